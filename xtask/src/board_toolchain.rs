//! Finds a Rust toolchain that can compile for the ESP32-C3, and one for WebAssembly.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Code, Failure, Result};
use crate::process::{output, step, succeeds, which};
use crate::workspace::Workspace;

/// The C3's instruction set, without an operating system.
pub(crate) const TARGET: &str = "riscv32imc-unknown-none-elf";

/// Something that is no host to compile for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Target {
    /// Its name.
    triple: &'static str,
    /// The libraries that Debian's compiler builds for it.
    libraries: &'static str,
    /// The variable that names its linker.
    linker: &'static str,
}

/// The board's chip.
const BOARD: Target =
    Target { triple: TARGET, libraries: "core,alloc", linker: "CARGO_TARGET_RISCV32IMC_UNKNOWN_NONE_ELF_LINKER" };

/// A page, for the rooms that do no I/O.
pub(crate) const PAGE: Target = Target {
    triple: "wasm32-unknown-unknown",
    libraries: "std,panic_abort",
    linker: "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
};

/// Debian's packages that stand in where rustup cannot fetch the target.
pub(crate) const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];

/// A compiler for [`TARGET`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum BoardToolchain {
    /// The toolchain that runs us has the target's libraries.
    Installed,
    /// Debian's compiler builds `core` and `alloc` itself, from Debian's
    /// sources of them; it has no linker for the target, the other toolchain has.
    Debian { cargo: PathBuf, rustc: PathBuf, rustdoc: PathBuf, linker: PathBuf },
}

impl BoardToolchain {
    /// Finds a compiler; asks rustup for the target's libraries if need be.
    ///
    /// # Errors
    /// When no way is left; the message names the packages to install.
    pub(crate) fn find() -> Result<Self> {
        Self::find_for(&BOARD)
    }

    /// The same for another target.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub(crate) fn find_for(target: &Target) -> Result<Self> {
        let triple = target.triple;
        if has_target_libraries(triple) {
            return Ok(Self::Installed);
        }
        if which("rustup").is_some() {
            let added = step(&format!("Asking rustup for {triple}"), || {
                // Where the network swallows packets instead of refusing them, rustup would wait for minutes.
                Ok(succeeds(Command::new("timeout").args(["120", "rustup", "target", "add", triple])))
            })?;
            if added && has_target_libraries(triple) {
                return Ok(Self::Installed);
            }
        }
        Self::debian(target, Path::new("/usr/bin"), rust_lld())
    }

    /// Debian's toolchain with its programs in `bin`, if it is complete.
    fn debian(target: &Target, bin: &Path, linker: Option<PathBuf>) -> Result<Self> {
        let triple = target.triple;
        let [cargo, rustc, rustdoc] = ["cargo", "rustc", "rustdoc"].map(|name| bin.join(name));
        let has_core_source = cargo.is_file()
            && output(Command::new(&rustc).args(["--print", "sysroot"])).is_ok_and(|sysroot| {
                Path::new(&sysroot).join("lib/rustlib/src/rust/library/core/src/lib.rs").is_file()
            });
        match linker {
            Some(linker) if has_core_source => Ok(Self::Debian { cargo, rustc, rustdoc, linker }),
            Some(_) => Err(Failure::new(
                Code::ToolMissing,
                format!("No Rust compiler here can build for {triple}."),
                format!(
                    "Run `rustup target add {triple}`, or on Debian `apt-get install {}`.",
                    DEBIAN_PACKAGES.join(" ")
                ),
            )),
            None => Err(Failure::new(
                Code::ToolMissing,
                "The Rust toolchain has no rust-lld, which links for the board.",
                "Install Rust with rustup, whose toolchains include it, or `apt-get install lld`.",
            )),
        }
    }

    /// A cargo command line for the crate in `dir`; output goes to `target_dir`.
    pub(crate) fn cargo(&self, subcommand: &str, dir: &Path, target_dir: &Path) -> Command {
        self.cargo_for(&BOARD, subcommand, dir, target_dir)
    }

    /// The same for another target.
    pub(crate) fn cargo_for(&self, target: &Target, subcommand: &str, dir: &Path, target_dir: &Path) -> Command {
        let mut command = match self {
            Self::Installed => Command::new("cargo"),
            Self::Debian { cargo, .. } => Command::new(cargo),
        };
        command
            .arg(subcommand)
            .current_dir(dir)
            .args(["--locked", "--target", target.triple])
            .env("CARGO_TARGET_DIR", target_dir)
            .args(["--config", &same_paths(target.triple)])
            // They would replace the flags in the crate's own configuration, and the linker script with them.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS");
        // The manifest of xtask is not that of the crate in `dir`.
        for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME"] {
            command.env_remove(name);
        }
        if let Self::Debian { rustc, rustdoc, linker, .. } = self {
            command
                .args(["-Z", &format!("build-std={}", target.libraries)])
                .env("RUSTC", rustc)
                .env("RUSTDOC", rustdoc)
                // -Zbuild-std is not stable; the variable lets a released compiler take it.
                .env("RUSTC_BOOTSTRAP", "1")
                .env(target.linker, linker)
                .env_remove("RUSTUP_TOOLCHAIN");
        }
        command
    }

    /// One line about it for the log.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Installed => format!("this Rust toolchain's own {TARGET}"),
            Self::Debian { rustc, .. } => {
                format!("{} with core and alloc from Debian's sources", rustc.display())
            }
        }
    }
}

/// Cargo's configuration that leaves the folders of this computer out of what is built.
///
/// Messages of panics carry their file's path. A longer one moves everything behind it in the flash, where other lines of
/// the cache hold it then: the same source must give the same bytes everywhere, and with them the same cycles.
fn same_paths(triple: &str) -> String {
    let mut folders = vec![(Workspace::locate().root().to_owned(), "isrlab")];
    folders.extend(registries().into_iter().map(|registry| (registry, "registry")));
    let flags: Vec<String> =
        folders.iter().map(|(folder, name)| format!("'--remap-path-prefix={}={name}'", folder.display())).collect();
    format!("target.{triple}.rustflags=[{}]", flags.join(","))
}

/// Where cargo keeps the sources of published crates: a folder for each registry.
fn registries() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")));
    let Some(sources) = home.map(|home| home.join("registry/src")) else { return Vec::new() };
    let mut registries: Vec<PathBuf> =
        std::fs::read_dir(sources).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    registries.sort();
    registries
}

fn has_target_libraries(triple: &str) -> bool {
    output(Command::new("rustc").args(["--print", "target-libdir", "--target", triple])).is_ok_and(|dir| {
        std::fs::read_dir(dir).is_ok_and(|entries| {
            entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libcore-"))
        })
    })
}

fn rust_lld() -> Option<PathBuf> {
    let bundled = output(Command::new("rustc").args(["--print", "target-libdir"]))
        .ok()
        .and_then(|libdir| Some(Path::new(&libdir).parent()?.join("bin/rust-lld")))
        .filter(|linker| linker.is_file());
    bundled.or_else(|| which("rust-lld")).or_else(|| which("ld.lld"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_incomplete_debian_toolchain_names_the_packages() {
        let failure =
            BoardToolchain::debian(&BOARD, Path::new("/nonexistent"), Some(PathBuf::from("rust-lld"))).unwrap_err();
        assert_eq!(failure.code(), Code::ToolMissing);
        for package in DEBIAN_PACKAGES {
            assert!(failure.to_string().contains(package), "{failure}");
        }
    }

    #[test]
    fn debian_builds_core_itself_and_links_with_the_given_linker() {
        let toolchain = BoardToolchain::Debian {
            cargo: "/usr/bin/cargo".into(),
            rustc: "/usr/bin/rustc".into(),
            rustdoc: "/usr/bin/rustdoc".into(),
            linker: "/opt/rust-lld".into(),
        };
        let command = toolchain.cargo("build", Path::new("firmware"), Path::new("out"));
        let arguments: Vec<_> = command.get_args().map(|a| a.to_string_lossy()).collect();
        assert!(arguments.contains(&"build-std=core,alloc".into()), "{arguments:?}");
        let linker = command.get_envs().find(|(name, _)| *name == "CARGO_TARGET_RISCV32IMC_UNKNOWN_NONE_ELF_LINKER");
        assert_eq!(linker.unwrap().1, Some("/opt/rust-lld".as_ref()));
    }
}
