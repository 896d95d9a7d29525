//! `isrlab virtual`: a virtual board as a serial port for any other tool.

use std::process::ExitCode;

use clap::Args;

/// Options of `isrlab virtual`.
#[derive(Debug, Args)]
pub(super) struct Arguments {}

pub(super) fn execute(_: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!("`isrlab virtual` is not part of this build")
}
