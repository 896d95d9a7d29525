//! Where things are: the repository's root and the folders under `target/`.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Result, file_access};

/// The repository and its build cache.
///
/// Everything that is fetched or generated lies under `target/` of the
/// repository, also when `CARGO_TARGET_DIR` moves cargo's own output: the
/// server's build script finds the firmware there.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The repository that this command was built from.
    pub(crate) fn locate() -> Self {
        // Cargo sets the variable for `cargo run`, so a moved checkout is found at its new place.
        let manifest_dir = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest_dir.parent().map_or_else(|| manifest_dir.clone(), Path::to_path_buf);
        Self { root }
    }

    /// A repository at `root`, for tests.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_path_buf() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `target/`, without regard to `CARGO_TARGET_DIR`.
    pub(crate) fn cache(&self) -> PathBuf {
        self.root.join("target")
    }

    /// Where the server's build script looks for the firmware.
    pub(crate) fn firmware(&self) -> PathBuf {
        self.cache().join("firmware")
    }

    /// Cargo's output for the host crates.
    pub(crate) fn cargo_target(&self) -> PathBuf {
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || self.cache(),
            // Cargo takes a relative one from where it was started, which is the root for us.
            |dir| self.root.join(dir),
        )
    }

    /// Cargo's output for the crates that run on the board.
    pub(crate) fn board_target(&self) -> PathBuf {
        self.cache().join("riscv32imc")
    }
}

/// Reads a whole file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| file_access(path, &error))
}

/// Writes a file and the folders above it, but only if its content changes, so
/// that nothing that depends on it is built again without need.
///
/// Returns whether the content changed.
pub(crate) fn write_if_changed(path: &Path, content: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|present| present == content) {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
    }
    // Renamed into place, so that an interrupted run never leaves half a file.
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    fs::write(&partial, content).map_err(|error| file_access(&partial, &error))?;
    fs::rename(&partial, path).map_err(|error| file_access(path, &error))?;
    Ok(true)
}

/// Makes a folder and those above it.
pub(crate) fn create_dir(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| file_access(path, &error))
}

/// Removes a folder with all that is in it, if there is one.
pub(crate) fn remove_dir(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(file_access(path, &error)),
        _ => Ok(()),
    }
}
