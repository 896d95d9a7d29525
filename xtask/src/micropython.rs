//! Finds or fetches the source of MicroPython, which the lesson firmware hosts.
//!
//! The source is never part of this repository. Its version and a checksum over
//! the parts that are compiled are pinned here; wherever the tree comes from,
//! those parts must be the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::apt;
use crate::failure::{Code, Failure, Result, file_access};
use crate::process::{run, step, which};
use crate::workspace::{Workspace, create_dir, read, remove_dir, write_if_changed};

/// The release that the firmware is built from.
pub(crate) const VERSION: &str = "1.25.0";

/// SHA-256 over the names and contents of [`COMPILED_PARTS`], see [`tree_checksum`].
const TREE_SHA256: &str = "9b0022ee417f1fd8fe0fe5418fb43f618455d7114cba9d67f044400eb7a86278";

/// What of the tree takes part in the build.
const COMPILED_PARTS: [&str; 9] = [
    "py",
    "shared",
    "extmod",
    "mpy-cross",
    "lib/libm",
    "lib/littlefs",
    "tools/makemanifest.py",
    "tools/manifestfile.py",
    "tools/mpy-tool.py",
];

/// Debian's suite that carries [`VERSION`].
const DEBIAN_SUITE: &str = "trixie";
/// The file of Debian's source package that holds upstream's unchanged tree.
const DEBIAN_ARCHIVE: &str = "micropython_1.25.0+ds.orig.tar.xz";
/// SHA-256 of [`DEBIAN_ARCHIVE`].
const DEBIAN_ARCHIVE_SHA256: &str = "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea";

/// Upstream's repository.
const UPSTREAM: &str = "https://github.com/micropython/micropython";

/// Returns a folder with the pinned source.
///
/// A folder `given` by the user comes first and must hold the pinned release.
/// Else the tree kept in the build cache is used; it is fetched if it is not
/// there yet: from Debian's source package where apt is set up for Debian's
/// archive, else from upstream's release tag.
///
/// # Errors
/// When the source can be had from nowhere or is not the pinned one.
pub(crate) fn source(workspace: &Workspace, given: Option<&Path>) -> Result<PathBuf> {
    if let Some(dir) = given {
        verify(dir)?;
        return fs::canonicalize(dir).map_err(|error| file_access(dir, &error));
    }
    let cache = workspace.cache().join("micropython");
    let tree = cache.join(format!("micropython-{VERSION}"));
    // Written last, so a tree with this mark was complete and had the right checksum.
    let mark = cache.join("verified");
    if tree.is_dir() && fs::read(&mark).is_ok_and(|sum| sum == TREE_SHA256.as_bytes()) {
        return Ok(tree);
    }
    step(&format!("Fetching the source of MicroPython {VERSION}"), || {
        let scratch = cache.join("fetch");
        remove_dir(&scratch)?;
        remove_dir(&tree)?;
        create_dir(&scratch)?;
        let unpacked = fetch(&scratch)?;
        verify(&unpacked)?;
        fs::rename(&unpacked, &tree).map_err(|error| file_access(&tree, &error))?;
        remove_dir(&scratch)?;
        write_if_changed(&mark, TREE_SHA256.as_bytes())?;
        Ok(tree.clone())
    })
}

fn fetch(scratch: &Path) -> Result<PathBuf> {
    let mut failures = Vec::new();
    if apt::is_available() {
        match from_debian(scratch) {
            Ok(tree) => return Ok(tree),
            Err(failure) if failure.code() == Code::ChecksumWrong => return Err(failure),
            Err(failure) => failures.push(failure),
        }
    }
    if which("git").is_some() {
        match from_upstream(scratch) {
            Ok(tree) => return Ok(tree),
            Err(failure) => failures.push(failure),
        }
    }
    for failure in &failures {
        eprintln!("    {failure}");
    }
    Err(Failure::new(
        Code::SourceUnreachable,
        format!(
            "The source of MicroPython {VERSION} could not be fetched, neither as Debian's source package nor from upstream's repository."
        ),
        "Check the network, or unpack it yourself and give its folder: `cargo xtask firmware --micropython DIR`.",
    ))
}

fn from_debian(scratch: &Path) -> Result<PathBuf> {
    apt::fetch_debian_source("micropython", DEBIAN_SUITE, &scratch.join("apt"), scratch)?;
    let archive = scratch.join(DEBIAN_ARCHIVE);
    let found = hex(&Sha256::digest(read(&archive)?));
    if found != DEBIAN_ARCHIVE_SHA256 {
        return Err(wrong_checksum(&archive, DEBIAN_ARCHIVE_SHA256, &found));
    }
    run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(scratch))?;
    Ok(scratch.join(format!("micropython-{VERSION}")))
}

fn from_upstream(scratch: &Path) -> Result<PathBuf> {
    let tree = scratch.join("upstream");
    run(Command::new("git")
        // Gives up where a network swallows packets: under 1 kB/s for 20 s.
        .args(["-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=20"])
        .args(["-c", "advice.detachedHead=false", "clone", "--depth", "1"])
        .args(["--branch", &format!("v{VERSION}"), UPSTREAM])
        .arg(&tree)
        .env("GIT_TERMINAL_PROMPT", "0"))?;
    Ok(tree)
}

/// Checks that the compiled parts of `tree` are those of the pinned release.
fn verify(tree: &Path) -> Result<()> {
    if !tree.join("py/mpconfig.h").is_file() {
        return Err(Failure::new(
            Code::SourceUnreachable,
            format!("{} does not hold the source of MicroPython.", tree.display()),
            format!("Give the folder of release {VERSION} that has `py/mpconfig.h` in it."),
        ));
    }
    let found = tree_checksum(tree)?;
    if found == TREE_SHA256 {
        return Ok(());
    }
    Err(wrong_checksum(tree, TREE_SHA256, &found))
}

fn wrong_checksum(path: &Path, expected: &str, found: &str) -> Failure {
    Failure::new(
        Code::ChecksumWrong,
        format!("{} is not MicroPython {VERSION}: SHA-256 {found}, expected {expected}.", path.display()),
        format!("Give an unchanged tree of release {VERSION}, or remove target/micropython and run the command again."),
    )
}

/// SHA-256 over [`COMPILED_PARTS`]: for every file in the order of its path,
/// the path, a zero byte, the content's length as 8 bytes little-endian and
/// the content.
fn tree_checksum(tree: &Path) -> Result<String> {
    let mut files = BTreeSet::new();
    for part in COMPILED_PARTS {
        collect_files(tree, &PathBuf::from(part), &mut files)?;
    }
    let mut sum = Sha256::new();
    for file in files {
        let content = read(&tree.join(&file))?;
        sum.update(file.as_bytes());
        sum.update([0]);
        sum.update((content.len() as u64).to_le_bytes());
        sum.update(&content);
    }
    Ok(hex(&sum.finalize()))
}

/// Adds the file `path` of `tree`, or all files of the folder `path`, with `/`
/// between names. Left out is what git keeps beside the source and what Python
/// and make leave behind.
fn collect_files(tree: &Path, path: &Path, files: &mut BTreeSet<String>) -> Result<()> {
    let full = tree.join(path);
    if !full.is_dir() {
        files.insert(path.to_string_lossy().into_owned());
        return Ok(());
    }
    for entry in fs::read_dir(&full).map_err(|error| file_access(&full, &error))? {
        let name = entry.map_err(|error| file_access(&full, &error))?.file_name();
        let is_source = !name.to_string_lossy().starts_with('.');
        if is_source && name != "__pycache__" && name != "build" {
            collect_files(tree, &path.join(name), files)?;
        }
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch(name: &str) -> PathBuf {
        let dir = std::env::temp_dir().join(format!("isrlab-xtask-{}-{name}", std::process::id()));
        remove_dir(&dir).unwrap();
        create_dir(&dir).unwrap();
        dir
    }

    #[test]
    fn a_folder_without_micropython_is_refused_by_name() {
        let dir = scratch("empty");
        let failure = source(&Workspace::at(&dir), Some(&dir)).unwrap_err();
        assert_eq!(failure.code(), Code::SourceUnreachable);
        assert!(failure.to_string().contains("py/mpconfig.h"), "{failure}");
        remove_dir(&dir).unwrap();
    }

    #[test]
    fn another_release_is_refused_with_both_checksums() {
        let dir = scratch("other-release");
        for part in COMPILED_PARTS {
            let file = if part.ends_with(".py") { dir.join(part) } else { dir.join(part).join("mpconfig.h") };
            write_if_changed(&file, b"#define MICROPY_VERSION_MINOR 26").unwrap();
        }
        let failure = source(&Workspace::at(&dir), Some(&dir)).unwrap_err();
        assert_eq!(failure.code(), Code::ChecksumWrong);
        assert!(failure.to_string().contains(TREE_SHA256), "{failure}");
        remove_dir(&dir).unwrap();
    }

    #[test]
    fn the_checksum_sees_names_and_contents_and_nothing_of_pythons_caches() {
        let dir = scratch("checksum");
        for part in COMPILED_PARTS {
            let file = if part.ends_with(".py") { dir.join(part) } else { dir.join(part).join("a.c") };
            write_if_changed(&file, b"one").unwrap();
        }
        let first = tree_checksum(&dir).unwrap();
        write_if_changed(&dir.join("py/__pycache__/a.pyc"), b"cache").unwrap();
        assert_eq!(tree_checksum(&dir).unwrap(), first);
        write_if_changed(&dir.join("py/a.c"), b"two").unwrap();
        assert_ne!(tree_checksum(&dir).unwrap(), first);
        write_if_changed(&dir.join("py/a.c"), b"one").unwrap();
        fs::rename(dir.join("py/a.c"), dir.join("py/b.c")).unwrap();
        assert_ne!(tree_checksum(&dir).unwrap(), first);
        remove_dir(&dir).unwrap();
    }
}
