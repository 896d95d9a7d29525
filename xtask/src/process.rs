//! Starting other programs, with a line of progress for each step.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::{Code, Failure, Result};

/// Says what is going on now, and afterwards how long it took if that was more
/// than a second.
pub(crate) fn step<T>(title: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {title}");
    let begin = Instant::now();
    let result = work();
    let elapsed = begin.elapsed();
    if result.is_ok() && elapsed > Duration::from_secs(1) {
        eprintln!("    {title}: {:.1} s", elapsed.as_secs_f32());
    }
    result
}

/// Runs a program to its end; it writes to our own standard output and error.
///
/// # Errors
/// When it cannot be started or ends with a status other than 0; the program
/// has then said why on standard error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().map_err(|error| cannot_start(command, &error))?;
    if status.success() {
        return Ok(());
    }
    Err(Failure::new(
        Code::CommandFailed,
        format!("`{}` ended with {status}.", display(command)),
        "Its own message stands above; mend what it names and run the command again.",
    ))
}

/// Runs a program to its end; what it says goes into `file`.
///
/// # Errors
/// As [`run`], and when the file cannot be written.
pub(crate) fn run_into(file: &Path, command: &mut Command) -> Result<()> {
    let cannot_write = |error: io::Error| {
        Failure::new(
            Code::FileAccess,
            format!("Cannot write {}: {error}.", file.display()),
            "Make room there, or mend its rights.",
        )
    };
    let said = File::create(file).map_err(cannot_write)?;
    let errors = said.try_clone().map_err(cannot_write)?;
    run(command.stdin(Stdio::null()).stdout(said).stderr(errors))
}

/// Runs a program to its end and returns its standard output, trimmed.
///
/// # Errors
/// As [`run`]; its standard error becomes part of the message.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| cannot_start(command, &error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    Err(Failure::new(
        Code::CommandFailed,
        format!(
            "`{}` ended with {}: {}",
            display(command),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        ),
        "Mend what it names and run the command again.",
    ))
}

/// Whether a program can be started and ends with status 0; it stays silent.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Where `PATH` has a program of this name.
pub(crate) fn which(program: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program.as_ref())).find(|candidate| candidate.is_file())
}

fn display(command: &Command) -> String {
    std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| word.to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ")
}

fn cannot_start(command: &Command, error: &std::io::Error) -> Failure {
    Failure::new(
        Code::ToolMissing,
        format!("`{}` cannot be started: {error}.", command.get_program().to_string_lossy()),
        "Run `cargo xtask setup`, which installs what is missing.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_fails_is_named_with_its_arguments() {
        let failure = run(Command::new("false").arg("--why")).unwrap_err();
        assert_eq!(failure.code(), Code::CommandFailed);
        assert!(failure.to_string().contains("`false --why`"), "{failure}");
    }

    #[test]
    fn a_program_that_is_not_there_is_a_missing_tool() {
        let failure = output(&mut Command::new("isrlab-no-such-program")).unwrap_err();
        assert_eq!(failure.code(), Code::ToolMissing);
    }

    #[test]
    fn output_carries_what_the_program_said_on_standard_error() {
        let failure = output(Command::new("sh").args(["-c", "echo broken >&2; exit 3"])).unwrap_err();
        assert!(failure.to_string().contains("broken"), "{failure}");
    }
}
