//! `cargo xtask`: the developer's commands, the same ones that the Makefile and
//! CI call.

mod apt;
mod board_toolchain;
mod failure;
mod firmware;
mod flash_image;
mod micropython;
mod process;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Result;
use crate::workspace::Workspace;

/// The developer's commands of ISR Lab.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Builds the lesson firmware and its flash image into target/firmware
    Firmware(MicroPython),
    /// Builds the esp-hal application of the emulator's tests
    EspApp,
}

#[derive(Debug, clap::Args)]
struct MicroPython {
    /// Folder with the source of MicroPython; else $MICROPYTHON_SRC; else it is fetched
    #[arg(long = "micropython", value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl MicroPython {
    fn dir(self) -> Option<PathBuf> {
        self.dir
            .or_else(|| std::env::var_os("MICROPYTHON_SRC").map(PathBuf::from))
    }
}

fn main() -> ExitCode {
    match perform(Arguments::parse().task, &Workspace::locate()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task, workspace: &Workspace) -> Result<()> {
    match task {
        Task::Firmware(source) => {
            firmware::build_lesson_firmware(workspace, source.dir().as_deref())
        }
        Task::EspApp => firmware::build_esp_app(workspace),
    }
}
