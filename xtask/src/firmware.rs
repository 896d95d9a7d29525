//! Builds what runs on the board: the lesson firmware, and the plain esp-hal
//! application that the emulator's tests boot.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::board_toolchain::{BoardToolchain, TARGET};
use crate::failure::{Code, Failure, Result};
use crate::flash_image::merged_image;
use crate::micropython::{self, Release};
use crate::process::{run, step, which};
use crate::workspace::{Workspace, read, write_if_changed};

/// A crate that is compiled for the ESP32-C3.
struct BoardCrate {
    /// Its folder, from the repository's root.
    dir: &'static str,
    /// The name of its binary.
    binary: &'static str,
    /// The file name of what is made, without extension.
    output: &'static str,
    /// Its features.
    features: &'static str,
}

const LESSON_FIRMWARE: BoardCrate =
    BoardCrate { dir: "firmware", binary: "lesson-firmware", output: "lesson-firmware-esp32c3", features: "" };

const PLAIN_FIRMWARE: BoardCrate =
    BoardCrate { output: "plain-firmware-esp32c3", features: "plain", ..LESSON_FIRMWARE };

const ESP_APP: BoardCrate =
    BoardCrate { dir: "tests/esp-app", binary: "esp-app", output: "esp-app-esp32c3", features: "" };

/// Builds the lesson firmware and leaves `lesson-firmware-esp32c3.elf` and the
/// merged flash image `.bin` in `target/firmware/`.
///
/// `micropython` is a folder with MicroPython's source, if the user gives one.
pub(crate) fn build_lesson_firmware(workspace: &Workspace, micropython: Option<&Path>) -> Result<()> {
    build_with_micropython(workspace, micropython, &LESSON_FIRMWARE)
}

/// Builds the same from a certain release of MicroPython into a folder of its own, so that what everything else uses
/// stays as it is. Returns that folder.
pub(crate) fn build_lesson_firmware_from(workspace: &Workspace, release: &'static Release) -> Result<PathBuf> {
    require_c_compiler()?;
    let source = micropython::source(workspace, None, Some(release))?;
    let folder = workspace.cache().join(format!("firmware-{}", release.version));
    build(workspace, &BoardToolchain::find()?, &LESSON_FIRMWARE, &[("MICROPYTHON_SRC", &source)], &folder)?;
    Ok(folder)
}

/// Builds the same without all that an official build does not have, as `plain-firmware-esp32c3`: what attached boards
/// with official MicroPython are tested with.
pub(crate) fn build_plain_firmware(workspace: &Workspace, micropython: Option<&Path>) -> Result<()> {
    build_with_micropython(workspace, micropython, &PLAIN_FIRMWARE)
}

fn build_with_micropython(workspace: &Workspace, micropython: Option<&Path>, board_crate: &BoardCrate) -> Result<()> {
    require_c_compiler()?;
    let source = micropython::source(workspace, micropython, None)?;
    let environment = [("MICROPYTHON_SRC", &source)];
    build(workspace, &BoardToolchain::find()?, board_crate, &environment, &workspace.firmware())
}

/// Builds the esp-hal application of the emulator's tests, likewise.
pub(crate) fn build_esp_app(workspace: &Workspace) -> Result<()> {
    build(workspace, &BoardToolchain::find()?, &ESP_APP, &[], &workspace.firmware())
}

/// Lints and checks the format of both crates.
pub(crate) fn check(workspace: &Workspace, micropython: Option<&Path>) -> Result<()> {
    let source = micropython::source(workspace, micropython, None)?;
    let toolchain = BoardToolchain::find()?;
    for board_crate in [&LESSON_FIRMWARE, &ESP_APP] {
        let dir = workspace.root().join(board_crate.dir);
        step(&format!("Checking {}", board_crate.dir), || {
            run(Command::new("cargo").args(["fmt", "--check"]).current_dir(&dir))?;
            // Debian's compiler has no clippy; its own warnings stand in.
            let subcommand = match toolchain {
                BoardToolchain::Installed => "clippy",
                BoardToolchain::Debian { .. } => "check",
            };
            let mut command = toolchain.cargo(subcommand, &dir, &workspace.board_target());
            command.arg("--release").env("MICROPYTHON_SRC", &source);
            if toolchain == BoardToolchain::Installed {
                command.args(["--", "-D", "warnings"]);
            }
            run(&mut command)
        })?;
    }
    Ok(())
}

fn build(
    workspace: &Workspace,
    toolchain: &BoardToolchain,
    board_crate: &BoardCrate,
    environment: &[(&str, &PathBuf)],
    folder: &Path,
) -> Result<()> {
    let dir = workspace.root().join(board_crate.dir);
    step(&format!("Building {} with {}", board_crate.dir, toolchain.describe()), || {
        let mut command = toolchain.cargo("build", &dir, &workspace.board_target());
        command.args(["--release", "--features", board_crate.features]);
        for (name, value) in environment {
            command.env(name, value);
        }
        run(&mut command)
    })?;
    let elf = read(&workspace.board_target().join(TARGET).join("release").join(board_crate.binary))?;
    let partitions = dir.join("partitions.csv");
    let image = merged_image(&elf, partitions.is_file().then_some(partitions.as_path()))?;
    let base = folder.join(board_crate.output);
    write_if_changed(&base.with_extension("elf"), &elf)?;
    write_if_changed(&base.with_extension("bin"), &image)?;
    Ok(())
}

fn require_c_compiler() -> Result<()> {
    if which("riscv64-unknown-elf-gcc").is_some() {
        return Ok(());
    }
    Err(Failure::new(
        Code::ToolMissing,
        "MicroPython's C core needs a C compiler for RISC-V.",
        "Run `cargo xtask setup`, or `apt-get install gcc-riscv64-unknown-elf picolibc-riscv64-unknown-elf`.",
    ))
}
