//! The race explorer: every moment at which an interrupt could arrive, tried.

pub mod bytecode;
pub mod classes;
pub mod disassemble;
pub mod explore;
pub mod objects;
pub mod outcome;
pub mod story;
pub mod symbols;
pub mod vm;
pub mod window;
