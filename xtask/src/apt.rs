//! Debian's and Ubuntu's package manager: what is installed, installing what
//! is missing, and fetching a source package from another suite.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Code, Failure, Result};
use crate::process::{output, run, step, succeeds, which};
use crate::workspace::{create_dir, write_if_changed};

/// Whether this machine has apt.
pub(crate) fn is_available() -> bool {
    which("apt-get").is_some()
}

/// Whether a package of this name can be installed here.
pub(crate) fn has_candidate(package: &str) -> bool {
    output(Command::new("apt-cache").args(["policy", package])).is_ok_and(|policy| {
        policy.lines().any(|line| line.trim().starts_with("Candidate:") && !line.contains("(none)"))
    })
}

/// Brings the lists of packages up to date.
pub(crate) fn update() -> Result<()> {
    step("Updating the lists of packages (apt-get update)", || run(as_root("apt-get")?.args(["-q", "update"])))
}

/// Installs packages, by sudo where we are not root.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    step(&format!("Installing {}", packages.join(" ")), || {
        run(as_root("apt-get")?
            .args(["-q", "install", "-y", "--no-install-recommends"])
            // Another installation, such as a new machine's first update, may be under way.
            .args(["-o", "DPkg::Lock::Timeout=300"])
            .args(packages))
    })
}

fn as_root(program: &str) -> Result<Command> {
    let is_root = output(Command::new("id").arg("-u"))? == "0";
    let mut command = if is_root {
        let mut command = Command::new("env");
        command.arg("DEBIAN_FRONTEND=noninteractive");
        command
    } else if which("sudo").is_some() {
        eprintln!("    sudo may ask for your password.");
        let mut command = Command::new("sudo");
        command.arg("DEBIAN_FRONTEND=noninteractive");
        command
    } else {
        return Err(Failure::new(
            Code::ToolMissing,
            "Packages have to be installed, and neither are we root nor is there sudo.",
            "Run `cargo xtask setup` once as root.",
        ));
    };
    command.arg(program);
    Ok(command)
}

/// Downloads the files of a source package of Debian's `suite` into `into`.
///
/// The machine's own sources are not touched and need not list that suite: apt
/// runs with a configuration, lists and caches of its own under `private`. The
/// mirror and the keyring are those that the machine itself is set up with;
/// apt checks the signatures as always.
///
/// # Errors
/// When the machine is not set up for Debian's archive, or the mirror does not
/// answer or has no such package.
pub(crate) fn fetch_debian_source(package: &str, suite: &str, private: &Path, into: &Path) -> Result<()> {
    let Some(mirror) = debian_mirror() else {
        return Err(Failure::new(
            Code::SourceUnreachable,
            "This machine's apt is not set up for Debian's archive.",
            "Give the source's folder instead.",
        ));
    };
    let sources = private.join("sources.list.d");
    let state = private.join("state");
    let lists = private.join("lists");
    let cache = private.join("cache");
    for dir in
        [sources.clone(), state.clone(), lists.join("partial"), cache.join("archives/partial"), into.to_path_buf()]
    {
        create_dir(&dir)?;
    }
    let signed_by = debian_keyring().map_or_else(String::new, |keyring| format!("Signed-By: {}\n", keyring.display()));
    write_if_changed(
        &sources.join("debian.sources"),
        format!("Types: deb-src\nURIs: {mirror}\nSuites: {suite}\nComponents: main\n{signed_by}").as_bytes(),
    )?;
    let apt_get = || {
        let mut command = Command::new("apt-get");
        for (option, value) in [
            ("Dir::Etc::SourceList", Path::new("/dev/null")),
            ("Dir::Etc::SourceParts", &sources),
            ("Dir::State", &state),
            ("Dir::State::Lists", &lists),
            ("Dir::Cache", &cache),
        ] {
            command.arg("-o").arg(format!("{option}={}", value.display()));
        }
        // Root drops its rights for downloads, and then cannot write to a private folder.
        command.args(["-q", "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=3"]);
        command
    };
    run(apt_get().arg("update"))?;
    run(apt_get().args(["source", "--download-only", package]).current_dir(into))
}

/// The mirror of Debian's archive that this machine uses.
fn debian_mirror() -> Option<String> {
    let targets = output(Command::new("apt-get").args([
        "indextargets",
        "--format",
        "$(CREATED_BY)|$(ORIGIN)|$(RELEASE)|$(REPO_URI)",
        "Created-By: Packages",
    ]))
    .ok()?;
    mirror_in(&targets)
}

/// Picks the archive itself among `Packages|origin|release|URI` lines: the
/// security archive and the like lie elsewhere and carry only their own suites.
fn mirror_in(targets: &str) -> Option<String> {
    targets.lines().find_map(|line| {
        let mut fields = line.splitn(4, '|');
        let (_, origin, release, uri) = (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
        let is_archive = origin == "Debian" && !release.contains(['-', '/']);
        is_archive.then(|| uri.to_owned())
    })
}

/// The keyring that the machine's own sources name, if they name one.
fn debian_keyring() -> Option<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = std::fs::read_dir("/etc/apt/sources.list.d") {
        files.extend(entries.flatten().map(|entry| entry.path()));
    }
    files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "list" || extension == "sources"))
        .filter_map(|file| std::fs::read_to_string(file).ok())
        .find_map(|text| keyring_in(&text))
}

/// Finds a `Signed-By:` field or `signed-by=` option that names Debian's keyring.
fn keyring_in(sources: &str) -> Option<PathBuf> {
    sources
        .split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '=' | ','))
        .find(|word| word.starts_with('/') && word.contains("debian-archive"))
        .map(PathBuf::from)
}

/// Whether a package is installed completely.
pub(crate) fn is_installed(package: &str) -> bool {
    output(Command::new("dpkg-query").args(["-W", "-f", "${Status}", package]))
        .is_ok_and(|status| status.ends_with("ok installed"))
}

/// Whether pkg-config knows a library.
pub(crate) fn has_library(name: &str) -> bool {
    succeeds(Command::new("pkg-config").args(["--exists", name]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_archive_and_not_the_security_archive() {
        let targets = "Packages|Debian|bookworm-security|http://mirror.test/security/\n\
                       Packages|Debian|bookworm|http://mirror.test/debian/\n";
        assert_eq!(mirror_in(targets).as_deref(), Some("http://mirror.test/debian/"));
    }

    #[test]
    fn another_distribution_has_no_debian_mirror() {
        assert_eq!(mirror_in("Packages|Ubuntu|noble|http://mirror.test/ubuntu/\n"), None);
        assert_eq!(mirror_in(""), None);
    }

    #[test]
    fn the_keyring_is_found_in_both_formats_of_sources() {
        let keyring = Some(PathBuf::from("/usr/share/keyrings/debian-archive-keyring.gpg"));
        for sources in [
            "Types: deb\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n",
            "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.test/ x main",
        ] {
            assert_eq!(keyring_in(sources), keyring, "{sources}");
        }
        assert_eq!(keyring_in("Signed-By: /usr/share/keyrings/other.gpg"), None);
    }
}
