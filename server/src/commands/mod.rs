//! The command line: one file for each command, names and options fixed by the design, because
//! scripts rely on them.

mod board_image;
mod boards;
mod check;
mod class;
mod database;
mod emulation;
mod explore;
mod flash;
mod lesson;
mod out;
mod run;
mod serve;
mod signal;
mod site;
mod validate;
mod version;
mod virtual_port;
mod wiring;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

/// Interrupts in MicroPython on the ESP32, on a bench: lessons, boards and measurements.
#[derive(Debug, Parser)]
#[command(name = "isrlab", disable_version_flag = true, arg_required_else_help = true)]
#[command(args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// Prints the version.
    #[arg(short = 'V', long)]
    version: bool,
    /// Prints one JSON object with all that decides what is measured, and the engine of virtual boards.
    #[arg(long, requires = "version")]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Starts the workbench and prints its address.
    Serve(serve::Arguments),
    /// Lists virtual and attached boards with their state, and what to do about it.
    Boards(boards::Arguments),
    /// Writes the lesson firmware, or an image of yours, to a board and verifies it.
    Flash(flash::Arguments),
    /// Offers a virtual board as a serial port to any other tool.
    Virtual(virtual_port::Arguments),
    /// Runs one lesson without a page and prints what was measured.
    Run(run::Arguments),
    /// Puts the interrupt at every instruction boundary of a lesson's marked window.
    Explore(explore::Arguments),
    /// A class: its host's link, its results, taking it to another computer.
    Class(class::Arguments),
    /// Writes the course as static files, for any web server or to be opened from a stick.
    Site(site::Arguments),
    /// Checks one program against a lesson's exercise; the exit code is 0 if it passes.
    Check(check::Arguments),
    /// Helps to write lessons.
    Lesson(lesson::Arguments),
    /// Checks the whole course: structure, both languages, starters, solutions, expectations.
    Validate(validate::Arguments),
}

impl CommandLine {
    /// Does what the command line asks for; a failure is printed with its causes, in the user's language.
    #[must_use]
    pub fn execute(self) -> ExitCode {
        let Some(command) = self.command else { return out::end(version::execute(self.json)) };
        let outcome = match command {
            Command::Serve(arguments) => serve::execute(arguments),
            Command::Boards(arguments) => boards::execute(arguments),
            Command::Flash(arguments) => flash::execute(arguments),
            Command::Virtual(arguments) => virtual_port::execute(arguments),
            Command::Run(arguments) => run::execute(arguments),
            Command::Explore(arguments) => explore::execute(arguments),
            Command::Class(arguments) => class::execute(arguments),
            Command::Site(arguments) => site::execute(arguments),
            Command::Check(arguments) => check::execute(arguments),
            Command::Lesson(arguments) => lesson::execute(arguments),
            Command::Validate(arguments) => validate::execute(arguments),
        };
        out::end(outcome)
    }
}

/// What the log of a command that stays is about goes to standard error; `RUST_LOG` says otherwise.
fn log_to_stderr(usually: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usually));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn options_do_not_contradict_each_other() {
        CommandLine::command().debug_assert();
    }
}
