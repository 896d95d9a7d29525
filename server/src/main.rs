//! `isrlab`: the workbench server and its command line.

use std::process::ExitCode;

use clap::Parser;
use isrlab::commands::CommandLine;

fn main() -> ExitCode {
    CommandLine::parse().execute()
}
