//! `isrlab run`.

use std::process::ExitCode;

use clap::Args;

/// Options of `isrlab run`.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) fn execute(_: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`isrlab run` is not part of this build")
}
