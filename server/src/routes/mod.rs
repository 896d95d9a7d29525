//! The handlers: each parses, calls and answers; the work is done elsewhere.

pub mod pages;
