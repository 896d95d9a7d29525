//! The workbench through its real router, with real virtual boards: what a visitor can do, what
//! they can do wrong, and what becomes of the others meanwhile.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod app;
mod attached;
mod bad_input;
mod cabled;
mod class_attacks;
mod class_results;
mod classes;
mod command_line;
mod exploring;
mod flashing;
#[cfg(target_os = "linux")]
mod lan;
mod learner;
mod process;
mod proxied;
mod reports;
mod restart;
mod runs;
#[cfg(unix)]
mod several;
mod visitors;
