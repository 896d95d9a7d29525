//! Reads a running guest: the firmware's symbols, MicroPython's frames, bytecode and objects, and
//! machine code in words.

pub mod bytecode;
pub mod disassemble;
pub mod objects;
pub mod symbols;
pub mod vm;
