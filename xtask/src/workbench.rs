//! Runs the workbench as its users have it, and the course on an attached board.

use std::process::Command;

use crate::checks::{build_server, cargo, parts};
use crate::failure::Result;
use crate::process::{run, step};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{firmware, web};

/// Runs lessons on an attached board, by default the whole course: flashes it first.
pub(crate) fn hardware(workspace: &Workspace, port: &str, image: Option<&str>, lessons: &[String]) -> Result<()> {
    setup::prepare(workspace, Purpose::Run)?;
    parts(workspace)?;
    let isrlab = build_server(workspace)?;
    let images = image.into_iter().flat_map(|file| ["--image", file]);
    run(Command::new(&isrlab).args(["flash", "--board", port]).args(images))?;
    run(Command::new(&isrlab).args(["validate", "--board", port]).args(lessons))
}

/// Starts the workbench as its users have it; does not return while it runs.
pub(crate) fn serve(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    setup::prepare(workspace, Purpose::Run)?;
    firmware::build_lesson_firmware(workspace, None)?;
    web::build(workspace)?;
    step("Building the server", || {
        run(cargo(workspace, "build").args(["--locked", "--release", "--package", "isrlab"]))
    })?;
    // Ctrl-C goes to the whole foreground group: the server shuts down, and we return what it says.
    run(Command::new(workspace.cargo_target().join("release/isrlab")).arg("serve").args(arguments))
}
