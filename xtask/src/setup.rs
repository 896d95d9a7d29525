//! Finds out what this machine lacks and installs it, on Debian and Ubuntu.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::apt;
use crate::board_toolchain::{BoardToolchain, DEBIAN_PACKAGES, PAGE};
use crate::failure::{Code, Failure, Result};
use crate::process::{output, run, step, succeeds, which};
use crate::workspace::{Workspace, create_dir, read, remove_dir, write_if_changed};

/// What the machine is to be made ready for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Purpose {
    /// Building and running the workbench.
    Run,
    /// All that CI runs: browser, instruction-set reference, foreign tools.
    Test,
    /// The benchmarks too.
    Bench,
}

/// Something that has to be on the machine.
struct Requirement {
    package: &'static str,
    needed_for: &'static str,
    from: Purpose,
    is_there: fn() -> bool,
}

/// Picolibc's headers, which MicroPython's C core is compiled against.
const PICOLIBC_HEADER: &str = "/usr/lib/picolibc/riscv64-unknown-elf/include/stdint.h";

const REQUIREMENTS: [Requirement; 17] = [
    Requirement {
        package: "gcc",
        needed_for: "compiling SQLite and MicroPython's mpy-cross",
        from: Purpose::Run,
        is_there: || which("cc").is_some() && which("gcc").is_some(),
    },
    Requirement {
        package: "libc6-dev",
        needed_for: "compiling SQLite and MicroPython's mpy-cross",
        from: Purpose::Run,
        is_there: || Path::new("/usr/include/stdio.h").is_file(),
    },
    Requirement {
        package: "gcc-riscv64-unknown-elf",
        needed_for: "compiling MicroPython's C core for the board",
        from: Purpose::Run,
        is_there: || which("riscv64-unknown-elf-gcc").is_some(),
    },
    Requirement {
        package: "picolibc-riscv64-unknown-elf",
        needed_for: "the C headers of the board",
        from: Purpose::Run,
        is_there: || Path::new(PICOLIBC_HEADER).is_file(),
    },
    Requirement {
        package: "python3",
        needed_for: "MicroPython's build scripts",
        from: Purpose::Run,
        is_there: || which("python3").is_some(),
    },
    Requirement {
        package: "pkg-config",
        needed_for: "finding libudev",
        from: Purpose::Run,
        is_there: || which("pkg-config").is_some(),
    },
    Requirement {
        package: "libudev-dev",
        needed_for: "finding attached boards",
        from: Purpose::Run,
        is_there: || apt::has_library("libudev"),
    },
    Requirement {
        package: "npm",
        needed_for: "bundling the page's libraries",
        from: Purpose::Run,
        is_there: || which("npm").is_some() && which("node").is_some(),
    },
    Requirement {
        package: "python3-venv",
        needed_for: "esptool and mpremote in a folder of their own",
        from: Purpose::Test,
        is_there: || succeeds(Command::new("python3").args(["-c", "import venv, ensurepip"])),
    },
    Requirement {
        package: "qemu-user",
        needed_for: "comparing the emulator's instructions with QEMU's",
        from: Purpose::Test,
        is_there: || which("qemu-riscv32").is_some(),
    },
    Requirement {
        package: "sigrok-cli",
        needed_for: "reading exported pins as others do",
        from: Purpose::Test,
        is_there: || which("sigrok-cli").is_some(),
    },
    Requirement {
        package: "iproute2",
        needed_for: "two hosts on one machine, with a cable between them",
        from: Purpose::Test,
        is_there: || which("ip").is_some(),
    },
    Requirement {
        package: "postgresql",
        needed_for: "testing the store of a school on its own database server",
        from: Purpose::Test,
        is_there: || which("initdb").is_some() || Path::new("/usr/lib/postgresql").is_dir(),
    },
    Requirement {
        package: "chromium",
        needed_for: "the browser tests",
        from: Purpose::Test,
        is_there: || chromium().is_some(),
    },
    Requirement {
        package: "firefox-esr",
        needed_for: "the main browser story in a second browser",
        from: Purpose::Test,
        is_there: || firefox().is_some(),
    },
    Requirement {
        package: "fonts-noto-cjk",
        needed_for: "Japanese pages in the browser tests",
        from: Purpose::Test,
        is_there: || apt::is_installed("fonts-noto-cjk"),
    },
    Requirement {
        package: "valgrind",
        needed_for: "counting host instructions per guest instruction",
        from: Purpose::Bench,
        is_there: || which("valgrind").is_some(),
    },
];

/// Makes this machine ready for `purpose`; does nothing where all is there.
///
/// # Errors
/// When something is missing that cannot be installed; all that is missing is
/// named at once.
pub(crate) fn prepare(workspace: &Workspace, purpose: Purpose) -> Result<()> {
    let missing: Vec<&Requirement> =
        REQUIREMENTS.iter().filter(|requirement| requirement.from <= purpose && !(requirement.is_there)()).collect();
    if !missing.is_empty() {
        install(&missing)?;
    }
    install_board_toolchain()?;
    if purpose >= Purpose::Test {
        install_python_tools(workspace)?;
        install_nextest(workspace)?;
    }
    Ok(())
}

fn install(missing: &[&Requirement]) -> Result<()> {
    for requirement in missing {
        eprintln!("    missing: {}, for {}", requirement.package, requirement.needed_for);
    }
    let packages: Vec<&str> = missing.iter().map(|requirement| requirement.package).collect();
    if !apt::is_available() {
        return Err(Failure::new(
            Code::ToolMissing,
            format!("This machine lacks what Debian calls {}.", packages.join(", ")),
            "Install them with this system's package manager, then run the command again.",
        ));
    }
    apt::update()?;
    apt::install(&packages)?;
    match missing.iter().find(|requirement| !(requirement.is_there)()) {
        None => Ok(()),
        Some(requirement) => Err(Failure::new(
            Code::ToolMissing,
            format!(
                "{} was installed, but what it is needed for ({}) is still not found.",
                requirement.package, requirement.needed_for
            ),
            "Check that /usr/bin is in PATH.",
        )),
    }
}

/// Finds a compiler for the board, and installs Debian's where rustup has none.
fn install_board_toolchain() -> Result<()> {
    let find = || BoardToolchain::find().and_then(|_| BoardToolchain::find_for(&PAGE));
    match find() {
        Ok(_) => Ok(()),
        Err(missing) if apt::is_available() => {
            apt::update()?;
            if !DEBIAN_PACKAGES.iter().all(|package| apt::has_candidate(package)) {
                return Err(missing);
            }
            apt::install(&DEBIAN_PACKAGES)?;
            find().map(|_| ())
        }
        Err(missing) => Err(missing),
    }
}

/// Installs esptool and mpremote into `target/tools/python`.
fn install_python_tools(workspace: &Workspace) -> Result<()> {
    let pinned = workspace.root().join("tests/requirements.txt");
    let tools = workspace.cache().join("tools");
    let environment = tools.join("python");
    // Written last: a tree with this mark holds exactly what the file asks for.
    let mark = environment.join("installed-requirements.txt");
    let wanted = read(&pinned)?;
    if std::fs::read(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    step("Installing esptool and mpremote", || {
        create_dir(&tools)?;
        remove_dir(&environment)?;
        run(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
        run(Command::new(environment.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .arg("--requirement")
            .arg(&pinned))?;
        write_if_changed(&mark, &wanted)?;
        Ok(())
    })
}

/// The test runner's version, where it has to be built.
const NEXTEST_VERSION: &str = "0.9.143";

fn install_nextest(workspace: &Workspace) -> Result<()> {
    if nextest_path(workspace).is_some() {
        return Ok(());
    }
    step("Building cargo-nextest", || {
        run(Command::new("cargo")
            .args(["install", "cargo-nextest", "--locked", "--version", NEXTEST_VERSION])
            .arg("--root")
            .arg(workspace.cache().join("tools"))
            // Tools do not share the workspace's cache: their dependencies have other versions.
            .env("CARGO_TARGET_DIR", workspace.cache().join("tools/build")))
    })
}

/// The folder to put in front of `PATH` so that cargo finds nextest, if there
/// is one; an empty path where cargo finds it already.
pub(crate) fn nextest_path(workspace: &Workspace) -> Option<PathBuf> {
    let own = workspace.cache().join("tools/bin");
    if own.join("cargo-nextest").is_file() {
        return Some(own);
    }
    output(Command::new("cargo").args(["nextest", "--version"])).ok().map(|_| PathBuf::new())
}

/// The browser for the tests.
pub(crate) fn chromium() -> Option<PathBuf> {
    ["chromium", "chromium-browser", "google-chrome"].iter().find_map(which)
}

/// The second browser for the tests.
pub(crate) fn firefox() -> Option<PathBuf> {
    ["firefox-esr", "firefox"].iter().find_map(which)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_is_needed_to_test_than_to_run() {
        let count = |purpose| REQUIREMENTS.iter().filter(|r| r.from <= purpose).count();
        assert!(count(Purpose::Run) < count(Purpose::Test));
        assert!(count(Purpose::Test) < count(Purpose::Bench));
    }

    #[test]
    fn every_package_is_asked_for_once() {
        let mut packages: Vec<_> = REQUIREMENTS.iter().map(|r| r.package).collect();
        packages.sort_unstable();
        packages.dedup();
        assert_eq!(packages.len(), REQUIREMENTS.len());
    }
}
