//! What `isrlab validate` remembers: cases that held, in a file of the user's cache folder for each executable that judged.
//!
//! A cache can always be deleted, and whatever is wrong with it costs no more than trying again.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};
use workbench::validate::Remembered;

use crate::lock::lock;

/// Executables whose verdicts are kept: those that were used last.
const MOST_JUDGES: usize = 8;
/// A file that is longer begins anew; a course has some hundred cases of 65 bytes.
const MOST_BYTES: u64 = 4 << 20;
/// How a file's name ends.
const ENDING: &str = "verdicts";

/// The verdicts of this executable.
#[derive(Debug)]
pub(crate) struct KeptVerdicts {
    known: HashSet<String>,
    file: Mutex<File>,
}

impl KeptVerdicts {
    /// Opens what this executable has kept in the user's cache folder; `None` where there is no such folder, or none that
    /// can be written to.
    #[must_use]
    pub(crate) fn open() -> Option<Self> {
        let opened = cache_folder().map(|folder| Self::open_in(&folder, &this_executable()?))?;
        opened.inspect_err(|error| tracing::info!(%error, "verdicts are not remembered")).ok()
    }

    /// Opens what a judge of this name has kept in a folder.
    fn open_in(folder: &Path, judge: &str) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        let path = folder.join(format!("{judge}.{ENDING}"));
        let mut file = File::options().read(true).append(true).create(true).open(&path)?;
        if file.metadata()?.len() > MOST_BYTES {
            file.set_len(0)?;
        }
        // It was used just now, even if nothing comes to it.
        file.set_modified(SystemTime::now())?;
        forget_old(folder);
        let mut text = Vec::new();
        Read::by_ref(&mut file).take(MOST_BYTES).read_to_end(&mut text)?;
        // A line that was cut off is no case.
        let known = String::from_utf8_lossy(&text).lines().map(str::to_owned).collect();
        Ok(Self { known, file: Mutex::new(file) })
    }
}

impl Remembered for KeptVerdicts {
    fn holds(&self, content: &str) -> bool {
        self.known.contains(content)
    }

    fn keep(&self, content: &str) {
        // One write, because another process may write to the same file.
        if let Err(error) = lock(&self.file).write_all(format!("{content}\n").as_bytes()) {
            tracing::info!(%error, "a verdict is not remembered");
        }
    }
}

/// Removes the files of all but the executables that were used last.
fn forget_old(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<(SystemTime, PathBuf)> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let ours = path.extension().is_some_and(|ending| ending == ENDING);
            ours.then(|| Some((fs::metadata(&path).ok()?.modified().ok()?, path)))?
        })
        .collect();
    files.sort();
    for (_, path) in files.iter().rev().skip(MOST_JUDGES) {
        _ = fs::remove_file(path);
    }
}

/// Where this user's programs keep what can be made again.
fn cache_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = if cfg!(windows) {
        variable("LOCALAPPDATA")?
    } else if cfg!(target_os = "macos") {
        variable("HOME")?.join("Library/Caches")
    } else {
        variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")))?
    };
    Some(cache.join("isrlab"))
}

/// A name for the executable that runs, by its contents.
fn this_executable() -> io::Result<String> {
    // The path may lead to another one by now; this does not.
    let mut file =
        if cfg!(target_os = "linux") { File::open("/proc/self/exe")? } else { File::open(std::env::current_exe()?)? };
    let mut hasher = Sha256::new();
    let mut piece = vec![0; 1 << 20];
    loop {
        match file.read(&mut piece)? {
            0 => break,
            length => hasher.update(&piece[..length]),
        }
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_kept_is_known_to_the_same_executable_only() {
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("isrlab");
        let first = KeptVerdicts::open_in(&cache, "one").unwrap();
        assert!(!first.holds("abc"));
        first.keep("abc");
        first.keep("def");
        let again = KeptVerdicts::open_in(&cache, "one").unwrap();
        assert!(again.holds("abc") && again.holds("def") && !again.holds("ab"));
        assert!(!KeptVerdicts::open_in(&cache, "two").unwrap().holds("abc"));
        // A file that somebody has spoilt is as good as none.
        fs::write(cache.join("one.verdicts"), b"\xff\xfe\0ab").unwrap();
        let spoilt = KeptVerdicts::open_in(&cache, "one").unwrap();
        assert!(!spoilt.holds("abc"));
        File::options().write(true).open(cache.join("one.verdicts")).unwrap().set_len(MOST_BYTES + 1).unwrap();
        KeptVerdicts::open_in(&cache, "one").unwrap();
        assert_eq!(fs::metadata(cache.join("one.verdicts")).unwrap().len(), 0);
    }

    #[test]
    fn few_executables_are_remembered_and_no_other_file_is_touched() {
        let folder = tempfile::tempdir().unwrap();
        let other = folder.path().join("of-somebody-else.txt");
        fs::write(&other, "").unwrap();
        for judge in 0..2 * MOST_JUDGES {
            let path = folder.path().join(format!("{judge}.{ENDING}"));
            let age = Duration::from_secs(3600 - judge as u64);
            File::create(path).unwrap().set_modified(SystemTime::now() - age).unwrap();
        }
        KeptVerdicts::open_in(folder.path(), "new").unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let newest = (MOST_JUDGES + 1..2 * MOST_JUDGES).map(|judge| format!("{judge}.{ENDING}"));
        let mut expected: Vec<_> = newest.chain(["new.verdicts".into(), "of-somebody-else.txt".into()]).collect();
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn an_executable_has_a_name() {
        let name = this_executable().unwrap();
        assert_eq!((name.len(), &name), (64, &this_executable().unwrap()));
    }
}
