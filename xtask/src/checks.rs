//! Checks and tests: what CI runs, in its order.

use std::ffi::OsString;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::process::Command;

use crate::board_toolchain::{BoardToolchain, PAGE};
use crate::failure::Result;
use crate::micropython::RELEASES;
use crate::process::{run, run_into, step};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;
use crate::{firmware, host_instructions, tidy, web};

/// Everything that CI runs; its last lines are the test runner's summary.
pub(crate) fn all(workspace: &Workspace) -> Result<()> {
    setup::prepare(workspace, Purpose::Test)?;
    tidy::check(workspace)?;
    parts(workspace)?;
    check(workspace)?;
    stories_beside_course(workspace)?;
    host(workspace)
}

/// The users' stories, most of which wait for a clock, and the course with what they leave of the processor.
fn stories_beside_course(workspace: &Workspace) -> Result<()> {
    let isrlab = build_server(workspace)?;
    let said = workspace.cache().join("course.log");
    std::thread::scope(|scope| {
        let course = scope.spawn(|| {
            let mut nice = Command::new("nice");
            run_into(&said, nice.args(["-n", "19"]).arg(&isrlab).args(validation(workspace)))
        });
        let stories = web::browser_tests(workspace, &isrlab);
        let course = step("Validating the course", || course.join().unwrap_or_else(|panic| resume_unwind(panic)));
        if course.is_err() {
            let all = std::fs::read_to_string(&said).unwrap_or_default();
            all.lines().filter(|line| !line.starts_with("ok ")).for_each(|line| eprintln!("{line}"));
        }
        stories.and(course)
    })
}

/// Builds what the host's crates embed and their tests boot.
pub(crate) fn parts(workspace: &Workspace) -> Result<()> {
    firmware::build_lesson_firmware(workspace, None)?;
    firmware::build_plain_firmware(workspace, None)?;
    firmware::build_esp_app(workspace)?;
    web::build(workspace)
}

/// Format, lints, documentation and the page's types.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    step("Checking the format", || run(cargo(workspace, "fmt").args(["--all", "--check"])))?;
    step("Linting", || {
        run(cargo(workspace, "clippy").args(["--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
    })?;
    step("Checking the documentation", || {
        run(cargo(workspace, "doc")
            .args(["--locked", "--workspace", "--no-deps", "--document-private-items"])
            .env("RUSTDOCFLAGS", "-D warnings -A rustdoc::private_intra_doc_links"))
    })?;
    for_a_page(workspace)?;
    web::check(workspace)?;
    firmware::check(workspace, None)
}

/// The rooms without I/O compile for WebAssembly as they are.
fn for_a_page(workspace: &Workspace) -> Result<()> {
    step("Checking the rooms without I/O for WebAssembly", || {
        let toolchain = BoardToolchain::find_for(&PAGE)?;
        let target_dir = workspace.cache().join("wasm32");
        // The tab uses all of them.
        run(toolchain.cargo_for(&PAGE, "check", workspace.root(), &target_dir).args(["--package", "tab"]))
    })
}

/// The tests of the host's crates, end-to-end tests with foreign tools among
/// them, and the examples in their documentation.
pub(crate) fn host(workspace: &Workspace) -> Result<()> {
    let isrlab = build_server(workspace)?;
    step("Testing the examples in the documentation", || {
        run(cargo(workspace, "test").args(["--locked", "--workspace", "--doc", "--quiet"]))
    })?;
    // The suite of the release that the firmware was built from is among the tests below.
    for release in &RELEASES[1..] {
        let folder = firmware::build_lesson_firmware_from(workspace, release)?;
        step(&format!("Testing the firmware built from MicroPython {}", release.version), || {
            run(nextest(workspace)
                .args(["--workspace", "--profile", "ci", "--filterset", "package(firmware-tests)"])
                .env("ISRLAB_FIRMWARE_DIR", folder))
        })?;
    }
    step("Testing", || run(nextest(workspace).args(["--workspace", "--profile", "ci"]).env("ISRLAB", isrlab)))
}

/// The test runner, wherever `setup` put it.
fn nextest(workspace: &Workspace) -> Command {
    let mut nextest = cargo(workspace, "nextest");
    nextest.args(["run", "--locked"]);
    if let Some(dir) = setup::nextest_path(workspace) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let dirs = std::iter::once(dir).chain(std::env::split_paths(&path));
        if let Ok(path) = std::env::join_paths(dirs) {
            nextest.env("PATH", path);
        }
    }
    nextest
}

/// The users' stories in a browser.
pub(crate) fn browser(workspace: &Workspace) -> Result<()> {
    let isrlab = build_server(workspace)?;
    web::browser_tests(workspace, &isrlab)
}

/// Every lesson on the virtual board: starter fails, solution passes, every row
/// of its expectation grid holds.
pub(crate) fn course(workspace: &Workspace) -> Result<()> {
    let isrlab = build_server(workspace)?;
    step("Validating the course", || run(Command::new(isrlab).args(validation(workspace))))
}

fn validation(workspace: &Workspace) -> [OsString; 3] {
    ["validate".into(), "--junit".into(), workspace.cache().join("course.xml").into()]
}

/// Builds the server and all tests, and returns the binary's path. With fewer packages their dependencies would have other
/// features, and the test runner would compile them once more.
pub(crate) fn build_server(workspace: &Workspace) -> Result<PathBuf> {
    step("Building the server", || run(cargo(workspace, "build").args(["--locked", "--workspace", "--all-targets"])))?;
    Ok(workspace.cargo_target().join("debug/isrlab"))
}

/// The benchmarks; how long they take depends on the machine, so CI runs none.
pub(crate) fn benchmarks(workspace: &Workspace) -> Result<()> {
    setup::prepare(workspace, Purpose::Bench)?;
    parts(workspace)?;
    step("Measuring", || run(cargo(workspace, "bench").args(["--locked", "--workspace"])))?;
    host_instructions::measure(workspace)
}

/// Random guests on random hosts for `seconds`, then the property tests with far more cases than CI has time for.
///
/// A failure names the seed that repeats it.
pub(crate) fn soak(workspace: &Workspace, seconds: u32) -> Result<()> {
    setup::prepare(workspace, Purpose::Test)?;
    parts(workspace)?;
    step(&format!("Random guests on the virtual board for {seconds} s"), || {
        run(cargo(workspace, "run")
            .args(["--locked", "--release", "--package", "emulator", "--example", "soak", "--"])
            .arg(seconds.to_string()))
    })?;
    step("Property tests with 10,000 cases each", || {
        run(cargo(workspace, "test")
            .args(["--locked", "--release", "--quiet", "--package", "protocol", "--package", "isrlab"])
            .env("PROPTEST_CASES", "10000"))
    })
}

/// A class at work beside 200 visitors who mean no good, for `seconds`; fails where the class would notice.
pub(crate) fn soak_visitors(workspace: &Workspace, seconds: u32) -> Result<()> {
    setup::prepare(workspace, Purpose::Bench)?;
    parts(workspace)?;
    step(&format!("A class beside 200 hostile visitors for {seconds} s"), || {
        run(cargo(workspace, "bench")
            .args(["--locked", "--package", "isrlab", "--bench", "visitors", "--"])
            .arg(seconds.to_string()))
    })
}

/// Opens a port right after it was flashed, `rounds` times, and compares the virtual board's sleeps with our clock.
pub(crate) fn soak_cable(workspace: &Workspace, rounds: u32) -> Result<()> {
    setup::prepare(workspace, Purpose::Test)?;
    parts(workspace)?;
    build_server(workspace)?;
    for (what, tests) in
        [("Sleeps by our clock", "real_time::"), ("Ports opened right after flashing", "whoever_opens")]
    {
        step(&format!("{what}, {rounds} rounds"), || {
            run(cargo(workspace, "test")
                .args(["--locked", "--quiet", "--package", "e2e", tests, "--", "--nocapture", "--test-threads=1"])
                .env("ISRLAB_CONNECT_ROUNDS", rounds.to_string()))
        })?;
    }
    Ok(())
}

/// A class of 300 at work for `seconds`, in network namespaces; fails where a change takes long to the host's grid, or memory grows.
pub(crate) fn soak_class(workspace: &Workspace, seconds: u32) -> Result<()> {
    setup::prepare(workspace, Purpose::Bench)?;
    parts(workspace)?;
    step(&format!("A class of 300 for {seconds} s"), || {
        run(cargo(workspace, "bench")
            .args(["--locked", "--package", "isrlab", "--bench", "class_load", "--"])
            .arg(seconds.to_string()))
    })
}

/// Flashes and runs over so many links that drop, alter, delay and cut; prints how each ended, and the tally.
pub(crate) fn soak_links(workspace: &Workspace, links: u32) -> Result<()> {
    setup::prepare(workspace, Purpose::Test)?;
    parts(workspace)?;
    step(&format!("{links} faulty links"), || {
        run(cargo(workspace, "test")
            .args(["--locked", "--quiet", "--package", "e2e", "whatever_a_link_does", "--", "--nocapture"])
            .env("ISRLAB_LINK_SEEDS", links.to_string()))
    })
}

/// A cargo command line for the host's crates.
pub(crate) fn cargo(workspace: &Workspace, subcommand: &str) -> Command {
    let mut command = Command::new("cargo");
    command.arg(subcommand).current_dir(workspace.root());
    // Cargo set them for us; build scripts that watch them would run again.
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("CARGO_PKG_")
            || name == "CARGO_MANIFEST_DIR"
            || name == "CARGO_MANIFEST_PATH"
        {
            command.env_remove(name);
        }
    }
    command
}
