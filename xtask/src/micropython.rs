//! Finds or fetches the source of MicroPython, which the lesson firmware hosts.
//!
//! The source is never part of this repository. Its releases, with a checksum over
//! the parts that are compiled, are pinned in the table that the firmware's build
//! script shares; wherever a tree comes from, those parts must be the same.

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

#[expect(dead_code, reason = "dates are the build script's")]
#[path = "../../firmware/micropython-sys/releases.rs"]
mod releases;

pub(crate) use releases::{RELEASES, Release};

/// What of the tree takes part in the build.
const COMPILED_PARTS: [&str; 11] = [
    "py",
    "shared",
    "extmod",
    "drivers/bus",
    "drivers/dht",
    "mpy-cross",
    "lib/libm",
    "lib/littlefs",
    "tools/makemanifest.py",
    "tools/manifestfile.py",
    "tools/mpy-tool.py",
];

/// Upstream's repository.
const UPSTREAM: &str = "https://github.com/micropython/micropython";

/// The release of this version.
///
/// # Errors
/// When the table does not have it.
pub(crate) fn release(version: &str) -> Result<&'static Release> {
    Release::of(version).ok_or_else(|| {
        Failure::new(
            Code::SourceUnreachable,
            format!("The firmware cannot be built from MicroPython {version}."),
            format!("Take {}.", known_versions()),
        )
    })
}

fn known_versions() -> String {
    RELEASES.map(|release| release.version).join(" or ")
}

/// Returns a folder with a pinned source.
///
/// A folder `given` by the user comes first and must hold a release of the table.
/// Else it is the release that is `wanted`, or the newest that can be had: Debian's
/// suites move on, and not every network reaches upstream.
///
/// # Errors
/// When the source can be had from nowhere or is not the pinned one.
pub(crate) fn source(workspace: &Workspace, given: Option<&Path>, wanted: Option<&'static Release>) -> Result<PathBuf> {
    if let Some(dir) = given {
        verify_any(dir)?;
        return fs::canonicalize(dir).map_err(|error| file_access(dir, &error));
    }
    let candidates = wanted.map_or(RELEASES.iter().collect(), |release| vec![release]);
    let mut last = None;
    for release in candidates {
        if last.is_some() {
            eprintln!("    MicroPython {} stands in; the firmware will say so.", release.version);
        }
        match kept_or_fetched(workspace, release) {
            Err(failure) if failure.code() == Code::SourceUnreachable => {
                eprintln!("    {failure}");
                last = Some(failure);
            }
            other => return other,
        }
    }
    Err(last.unwrap_or_else(|| unreachable_source(&known_versions())))
}

/// The tree kept in the build cache; it is fetched if it is not there yet: from Debian's source package where apt is
/// set up for Debian's archive, else from upstream's release tag.
fn kept_or_fetched(workspace: &Workspace, release: &'static Release) -> Result<PathBuf> {
    let version = release.version;
    let cache = workspace.cache().join("micropython");
    let tree = cache.join(format!("micropython-{version}"));
    // Written last, so a tree with this mark was complete and had the right checksum.
    let mark = cache.join(format!("verified-{version}"));
    if tree.is_dir() && fs::read(&mark).is_ok_and(|sum| sum == release.tree_sha256.as_bytes()) {
        return Ok(tree);
    }
    step(&format!("Fetching the source of MicroPython {version}"), || {
        let scratch = cache.join("fetch");
        remove_dir(&scratch)?;
        remove_dir(&tree)?;
        create_dir(&scratch)?;
        let unpacked = fetch(release, &scratch)?;
        verify(release, &unpacked)?;
        fs::rename(&unpacked, &tree).map_err(|error| file_access(&tree, &error))?;
        remove_dir(&scratch)?;
        write_if_changed(&mark, release.tree_sha256.as_bytes())?;
        Ok(tree.clone())
    })
}

fn fetch(release: &Release, scratch: &Path) -> Result<PathBuf> {
    let mut failures = Vec::new();
    if apt::is_available() {
        match from_debian(release, scratch) {
            Ok(tree) => return Ok(tree),
            Err(failure) if failure.code() == Code::ChecksumWrong => return Err(failure),
            Err(failure) => failures.push(failure),
        }
    }
    if which("git").is_some() {
        match from_upstream(release, scratch) {
            Ok(tree) => return Ok(tree),
            Err(failure) => failures.push(failure),
        }
    }
    for failure in &failures {
        eprintln!("    {failure}");
    }
    Err(unreachable_source(release.version))
}

fn unreachable_source(version: &str) -> Failure {
    Failure::new(
        Code::SourceUnreachable,
        format!(
            "The source of MicroPython {version} could not be fetched, neither as Debian's source package nor from upstream's repository."
        ),
        "Check the network, or unpack it yourself and give its folder: `cargo xtask firmware --micropython DIR`.",
    )
}

fn from_debian(release: &Release, scratch: &Path) -> Result<PathBuf> {
    apt::fetch_debian_source("micropython", release.debian_suite, &scratch.join("apt"), scratch)?;
    let archive = scratch.join(format!("micropython_{}+ds.orig.tar.xz", release.version));
    if !archive.is_file() {
        return Err(Failure::new(
            Code::SourceUnreachable,
            format!("Debian's {} has another release of MicroPython by now.", release.debian_suite),
            "Upstream's repository has it still.",
        ));
    }
    let found = hex(&Sha256::digest(read(&archive)?));
    if found != release.debian_sha256 {
        return Err(wrong_checksum(&archive, release.version, release.debian_sha256, &found));
    }
    run(Command::new("tar").arg("-xf").arg(&archive).arg("-C").arg(scratch))?;
    Ok(scratch.join(format!("micropython-{}", release.version)))
}

fn from_upstream(release: &Release, scratch: &Path) -> Result<PathBuf> {
    let tree = scratch.join("upstream");
    run(Command::new("git")
        // Gives up where a network swallows packets: under 1 kB/s for 20 s.
        .args(["-c", "http.lowSpeedLimit=1000", "-c", "http.lowSpeedTime=20"])
        .args(["-c", "advice.detachedHead=false", "clone", "--depth", "1"])
        .args(["--branch", &format!("v{}", release.version), UPSTREAM])
        .arg(&tree)
        .env("GIT_TERMINAL_PROMPT", "0"))?;
    Ok(tree)
}

/// Checks that the compiled parts of `tree` are those of a release of the table.
fn verify_any(tree: &Path) -> Result<()> {
    let found = checked_sum(tree, &known_versions())?;
    if RELEASES.iter().any(|release| release.tree_sha256 == found) {
        return Ok(());
    }
    Err(wrong_checksum(tree, &known_versions(), &RELEASES.map(|release| release.tree_sha256).join(" or "), &found))
}

/// Checks that the compiled parts of `tree` are those of `release`.
fn verify(release: &Release, tree: &Path) -> Result<()> {
    let found = checked_sum(tree, release.version)?;
    if found == release.tree_sha256 {
        return Ok(());
    }
    Err(wrong_checksum(tree, release.version, release.tree_sha256, &found))
}

fn checked_sum(tree: &Path, versions: &str) -> Result<String> {
    if !tree.join("py/mpconfig.h").is_file() {
        return Err(Failure::new(
            Code::SourceUnreachable,
            format!("{} does not hold the source of MicroPython.", tree.display()),
            format!("Give the folder of release {versions} that has `py/mpconfig.h` in it."),
        ));
    }
    tree_checksum(tree)
}

fn wrong_checksum(path: &Path, versions: &str, expected: &str, found: &str) -> Failure {
    Failure::new(
        Code::ChecksumWrong,
        format!("{} is not MicroPython {versions}: SHA-256 {found}, expected {expected}.", path.display()),
        format!(
            "Give an unchanged tree of release {versions}, or remove target/micropython and run the command again."
        ),
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
        let failure = source(&Workspace::at(&dir), Some(&dir), None).unwrap_err();
        assert_eq!(failure.code(), Code::SourceUnreachable);
        assert!(failure.to_string().contains("py/mpconfig.h"), "{failure}");
        remove_dir(&dir).unwrap();
    }

    #[test]
    fn another_release_is_refused_with_both_checksums() {
        let dir = scratch("other-release");
        for part in COMPILED_PARTS {
            let file = if part.ends_with(".py") { dir.join(part) } else { dir.join(part).join("mpconfig.h") };
            write_if_changed(&file, b"#define MICROPY_VERSION_MINOR 24").unwrap();
        }
        let failure = source(&Workspace::at(&dir), Some(&dir), None).unwrap_err();
        assert_eq!(failure.code(), Code::ChecksumWrong);
        for release in &RELEASES {
            assert!(failure.to_string().contains(release.tree_sha256), "{failure}");
        }
        remove_dir(&dir).unwrap();
    }

    #[test]
    fn a_version_outside_the_table_is_refused_with_those_in_it() {
        let failure = release("1.24.1").err().unwrap();
        assert!(failure.to_string().contains("1.24.1"), "{failure}");
        for known in &RELEASES {
            assert!(failure.to_string().contains(known.version), "{failure}");
            assert_eq!(release(known.version).unwrap().tree_sha256, known.tree_sha256);
        }
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
