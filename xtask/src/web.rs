//! Fetches the page's libraries from the npm registry and bundles the page.

use std::fs;
use std::path::Path;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::failure::{Result, file_access};
use crate::process::{run, step};
use crate::setup;
use crate::tab;
use crate::workspace::{Workspace, read, write_if_changed};

/// Bundles the page into `web/dist`, if anything it is made of changed, and the board for the learner's tab.
pub(crate) fn build(workspace: &Workspace) -> Result<()> {
    install_libraries(workspace)?;
    let web = workspace.root().join("web");
    let inputs = checksum(&web)?;
    let mark = workspace.cache().join("web/bundled");
    if !web.join("dist").is_dir() || fs::read(&mark).map_or(true, |built| built != inputs) {
        step("Bundling the page", || run(Command::new("npm").args(["run", "--silent", "build"]).current_dir(&web)))?;
        write_if_changed(&mark, &inputs)?;
    }
    tab::build(workspace)
}

/// Checks the page's types and runs its unit tests.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    install_libraries(workspace)?;
    let web = workspace.root().join("web");
    step("Checking the page's scripts", || {
        run(Command::new("npm").args(["run", "--silent", "check"]).current_dir(&web))?;
        run(Command::new("npm").args(["--silent", "test"]).current_dir(&web))
    })
}

/// Runs the users' stories in a browser against the given server binary.
pub(crate) fn browser_tests(workspace: &Workspace, isrlab: &Path) -> Result<()> {
    install_libraries(workspace)?;
    let chromium = setup::chromium().unwrap_or_else(|| "chromium".into());
    let firefox = setup::firefox().unwrap_or_else(|| "firefox-esr".into());
    step("Running the browser tests", || {
        run(Command::new("npm")
            .args(["run", "--silent", "e2e"])
            .current_dir(workspace.root().join("web"))
            .env("ISRLAB", isrlab)
            .env("CHROMIUM", chromium)
            .env("FIREFOX", firefox))
    })
}

fn install_libraries(workspace: &Workspace) -> Result<()> {
    let web = workspace.root().join("web");
    let wanted = Sha256::digest(read(&web.join("package-lock.json"))?);
    let mark = web.join("node_modules/.installed-lock");
    if fs::read(&mark).is_ok_and(|installed| installed == wanted[..]) {
        return Ok(());
    }
    step("Fetching the page's libraries", || {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&web))
    })?;
    write_if_changed(&mark, &wanted)?;
    Ok(())
}

/// SHA-256 over all files below `dir` but what is fetched or generated.
pub(crate) fn checksum(dir: &Path) -> Result<Vec<u8>> {
    let mut sum = Sha256::new();
    add_to_checksum(dir, &mut sum)?;
    Ok(sum.finalize().to_vec())
}

fn add_to_checksum(dir: &Path, sum: &mut Sha256) -> Result<()> {
    let mut entries: Vec<_> = fs::read_dir(dir)
        .and_then(Iterator::collect::<std::io::Result<Vec<fs::DirEntry>>>)
        .map_err(|error| file_access(dir, &error))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        if name == "node_modules" || name == "dist" {
            continue;
        }
        let path = entry.path();
        sum.update(name.as_encoded_bytes());
        sum.update([0]);
        if path.is_dir() {
            add_to_checksum(&path, sum)?;
        } else {
            let content = read(&path)?;
            sum.update((content.len() as u64).to_le_bytes());
            sum.update(&content);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::remove_dir;

    #[test]
    fn a_changed_script_changes_the_checksum_and_the_bundle_does_not() {
        let dir = std::env::temp_dir().join(format!("isrlab-xtask-{}-web", std::process::id()));
        remove_dir(&dir).unwrap();
        write_if_changed(&dir.join("js/page.js"), b"one").unwrap();
        let first = checksum(&dir).unwrap();
        write_if_changed(&dir.join("dist/page.js"), b"bundle").unwrap();
        assert_eq!(checksum(&dir).unwrap(), first);
        write_if_changed(&dir.join("js/page.js"), b"two").unwrap();
        assert_ne!(checksum(&dir).unwrap(), first);
        remove_dir(&dir).unwrap();
    }
}
