//! `isrlab flash`: writes an image to a board.

use std::process::ExitCode;

use clap::Args;

/// Options of `isrlab flash`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The board, as `isrlab boards` names it.
    #[arg(long, value_name = "ID")]
    board: String,
    /// An image and its place in flash; the lesson firmware without it.
    #[arg(long, value_name = "FILE@OFFSET")]
    image: Vec<String>,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    anyhow::bail!(
        "`isrlab flash` is not part of this build (board {}, {} images)",
        arguments.board,
        arguments.image.len()
    )
}
