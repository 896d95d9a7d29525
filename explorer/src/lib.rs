//! The race explorer: every moment at which an interrupt could arrive, tried.

pub mod bytecode;
pub mod explore;
pub mod outcome;
pub mod symbols;
pub mod vm;
pub mod window;
