//! `cargo xtask`: the developer's commands, the same ones that the Makefile and
//! CI call.

mod apt;
mod board_toolchain;
mod checks;
mod failure;
mod firmware;
mod flash_image;
mod host_instructions;
mod japanese;
mod micropython;
mod official;
mod process;
mod rooms;
mod setup;
mod symbols;
mod tab;
mod tidy;
mod web;
mod workbench;
mod workspace;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Result;
use crate::setup::Purpose;
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
    /// Installs what this machine lacks
    Setup {
        /// What to make it ready for
        #[arg(value_enum, default_value = "test")]
        purpose: Purpose,
    },
    /// Builds everything and starts the workbench; options go to `isrlab serve`
    Run {
        /// Options of `isrlab serve`
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Everything that CI runs
    Test,
    /// Format, lints, documentation, the page's types, the tree's own rules
    Check,
    /// The tree's own rules alone
    Tidy,
    /// Bundles the page and the board for the learner's tab into web/dist
    Web,
    /// The users' stories in a browser
    E2e,
    /// Every lesson on the virtual board
    Course,
    /// How long the sentences of the Japanese texts are, by MeCab; writes docs/japanese.md
    Japanese,
    /// The benchmarks
    Bench,
    /// Random guests and property tests, for as long as you like
    Soak {
        /// How long random guests run
        #[arg(default_value_t = 600)]
        seconds: u32,
    },
    /// A class at work beside 200 hostile visitors
    SoakVisitors {
        /// How long
        #[arg(default_value_t = 600)]
        seconds: u32,
    },
    /// Ports that are opened right after flashing, and sleeps by our clock on all consoles
    SoakCable {
        /// How many ports
        #[arg(default_value_t = 200)]
        rounds: u32,
    },
    /// A class of 300 with boards in their tabs: fails where the server's memory grows; needs root
    SoakClass {
        /// How long
        #[arg(default_value_t = 1800)]
        seconds: u32,
    },
    /// Flashing and running over links that drop, alter, delay and cut
    SoakLinks {
        /// How many links
        #[arg(default_value_t = 300)]
        links: u32,
    },
    /// Host instructions per guest instruction, under callgrind
    HostInstructions,
    /// Flashes an attached board and runs the course on it
    Hardware {
        /// The board's serial port
        port: String,
        /// Official MicroPython for the board's chip, in the place of the lesson firmware
        #[arg(long, value_name = "FILE")]
        image: Option<String>,
        /// The lessons to run; all of them without it
        lessons: Vec<String>,
    },
    /// Flashes images of official MicroPython to virtual boards, checks the course there, writes docs/official-boards.md
    Official {
        /// The images, for the ESP32-C3
        #[arg(required = true)]
        images: Vec<PathBuf>,
        /// A built `isrlab` to take
        #[arg(long, value_name = "FILE")]
        isrlab: Option<PathBuf>,
    },
    /// Builds the lesson firmware and its flash image into target/firmware
    Firmware {
        #[command(flatten)]
        source: MicroPython,
        /// Build from this release of MicroPython, into target/firmware-VERSION
        #[arg(long, value_name = "VERSION", conflicts_with = "dir")]
        release: Option<String>,
    },
    /// Builds the firmware as official MicroPython behaves, which attached boards are tested with
    PlainFirmware(MicroPython),
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
        self.dir.or_else(|| std::env::var_os("MICROPYTHON_SRC").map(PathBuf::from))
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
        Task::Firmware { release: Some(version), .. } => {
            firmware::build_lesson_firmware_from(workspace, micropython::release(&version)?).map(drop)
        }
        Task::Firmware { source, release: None } => firmware::build_lesson_firmware(workspace, source.dir().as_deref()),
        Task::Setup { purpose } => setup::prepare(workspace, purpose),
        Task::Run { arguments } => workbench::serve(workspace, &arguments),
        Task::Test => checks::all(workspace),
        Task::Check => {
            tidy::check(workspace)?;
            checks::check(workspace)
        }
        Task::Tidy => tidy::check(workspace),
        Task::Web => web::build(workspace),
        Task::E2e => checks::browser(workspace),
        Task::Course => checks::course(workspace),
        Task::Japanese => japanese::check(workspace),
        Task::Bench => checks::benchmarks(workspace),
        Task::Soak { seconds } => checks::soak(workspace, seconds),
        Task::SoakVisitors { seconds } => checks::soak_visitors(workspace, seconds),
        Task::SoakCable { rounds } => checks::soak_cable(workspace, rounds),
        Task::SoakClass { seconds } => checks::soak_class(workspace, seconds),
        Task::SoakLinks { links } => checks::soak_links(workspace, links),
        Task::HostInstructions => host_instructions::measure(workspace),
        Task::Hardware { port, image, lessons } => workbench::hardware(workspace, &port, image.as_deref(), &lessons),
        Task::Official { images, isrlab } => official::check(workspace, &images, isrlab),
        Task::PlainFirmware(source) => firmware::build_plain_firmware(workspace, source.dir().as_deref()),
        Task::EspApp => firmware::build_esp_app(workspace),
    }
}
