//! `isrlab`: the workbench server and its command line.
fn main() {}
