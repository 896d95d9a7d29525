//! `isrlab validate`.

use std::process::ExitCode;

use clap::Args;

/// Options of `isrlab validate`.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) fn execute(_: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`isrlab validate` is not part of this build")
}
