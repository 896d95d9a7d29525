//! The race explorer: every moment at which an interrupt could arrive, tried.

pub mod classes;
pub mod explore;
pub mod outcome;
pub mod story;
pub mod window;
