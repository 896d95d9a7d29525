//! `isrlab`, the workbench: it serves the lessons, owns the boards and judges the runs.
//!
//! The binary in `main.rs` is only wiring; everything lives in this library, so that tests drive
//! the real router and the real boards.

pub mod app;
pub mod assets;
pub mod bench;
pub mod board;
mod bucket;
pub mod class;
pub mod classes;
pub mod commands;
pub mod config;
mod connections;
pub mod error;
pub mod examples;
pub mod explored;
pub mod feed;
pub mod firmware;
mod guard;
pub mod lan;
pub mod language;
pub mod lessons;
mod lock;
pub mod newest;
pub mod pages;
pub mod place;
pub mod proxy;
pub mod router;
pub mod routes;
pub mod site;
pub mod store;
pub mod streams;
pub mod threads;
pub mod turns;
mod verdicts;
pub mod verifying;
pub mod visitor;
