//! Counts how many instructions the host executes for one of the guest.
//!
//! Times differ from machine to machine and from minute to minute; this figure does not, so that a
//! slower emulator shows on a busy machine as well.

use std::path::Path;
use std::process::Command;

use crate::checks::cargo;
use crate::failure::{Code, Failure, Result};
use crate::firmware;
use crate::process::{output, run, step};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;

/// The two runs whose difference is measured, in guest instructions: what both do, such as booting,
/// does not count.
const SHORT: u64 = 1_000_000;
const LONG: u64 = 6_000_000;
/// More host instructions than this for one guest instruction are a regression. Measured: 4.3.
const MOST: f64 = 6.0;

/// Measures the busy MicroPython loop under callgrind, and prints the figure.
///
/// # Errors
/// When something cannot be built or run, and when the figure is above [`MOST`].
pub(crate) fn measure(workspace: &Workspace) -> Result<()> {
    setup::prepare(workspace, Purpose::Bench)?;
    let image = workspace.firmware().join("lesson-firmware-esp32c3.bin");
    if !image.is_file() {
        firmware::build_lesson_firmware(workspace, None)?;
    }
    step("Building the example busy_python", || {
        run(cargo(workspace, "build").args([
            "--locked",
            "--release",
            "--package",
            "emulator",
            "--example",
            "busy_python",
        ]))
    })?;
    let example = workspace.cargo_target().join("release/examples/busy_python");
    let figure = step("Counting host instructions", || {
        let (short, long) = (collected(&example, &image, SHORT)?, collected(&example, &image, LONG)?);
        Ok(long.saturating_sub(short) as f64 / (LONG - SHORT) as f64)
    })?;
    println!("{figure:.1} host instructions per guest instruction on a busy MicroPython loop (at most {MOST})");
    if figure <= MOST {
        return Ok(());
    }
    Err(Failure::new(
        Code::TooSlow,
        format!("The emulator takes {figure:.1} host instructions for one of the guest, {MOST} at most."),
        "Look for what made `crates/emulator/src/engine` or `emulator/src/cpu/execute.rs` slower.",
    ))
}

/// The host instructions of one run.
fn collected(example: &Path, image: &Path, instructions: u64) -> Result<u64> {
    let report = output(
        Command::new("valgrind")
            .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--log-fd=1"])
            .args([example, image])
            .arg(instructions.to_string()),
    )?;
    parse(&report).ok_or_else(|| {
        Failure::new(
            Code::CommandFailed,
            "callgrind did not say how many instructions it collected.",
            "Run valgrind by hand on target/release/examples/busy_python.",
        )
    })
}

/// The number in callgrind's line `==123== Collected : 456`.
fn parse(report: &str) -> Option<u64> {
    report.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_is_read_from_callgrinds_report() {
        let report = "==7== Events    : Ir\n==7== Collected : 2133134377\n==7== \n";
        assert_eq!(parse(report), Some(2_133_134_377));
        assert_eq!(parse("==7== Events    : Ir\n"), None);
    }
}
