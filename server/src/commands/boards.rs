//! `isrlab boards`: what is attached, and what it needs.

use std::process::ExitCode;

use clap::Args;

/// Options of `isrlab boards`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Prints one JSON array instead of a table.
    #[arg(long)]
    json: bool,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`isrlab boards` is not part of this build (asked for JSON: {})", arguments.json)
}
