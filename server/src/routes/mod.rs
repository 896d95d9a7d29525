//! The handlers: each parses, calls and answers; the work is done elsewhere.

pub mod board;
pub mod boards;
pub mod check;
pub mod class;
pub mod class_api;
pub mod class_host;
pub mod class_out;
pub mod course_pages;
pub mod events;
pub mod explore;
mod json;
pub mod pages;
pub mod work;
