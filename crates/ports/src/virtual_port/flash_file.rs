//! The file that keeps a virtual board's flash contents between runs, and the one beside it (`FILE.efuse`) that keeps what was
//! burnt into its eFuse: who burns, checks and restarts must find it burnt.
//!
//! It is written while the board runs, whenever the flash has come to rest, so that a killed process loses what was being
//! written and nothing else. One process at a time has it: two boards would overwrite each other's contents.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use emulator::flash::FLASH_PAGES;
use emulator::{EfuseImage, FlashImage};

use crate::folder;
use crate::lock::lock;

/// Flash that has not changed for so long is at rest: a file system writes several blocks for one change.
const AT_REST: Duration = Duration::from_millis(300);
/// A program that writes all the time is kept every so often.
const AT_LATEST: Duration = Duration::from_secs(3);

/// Bytes in the virtual board's flash chip (32 Mbit).
pub const FLASH_BYTES: usize = 4 * 1024 * 1024;

/// Why the flash contents could not be read or kept. The file itself is untouched in every case.
#[derive(Debug, thiserror::Error)]
pub enum FlashFileError {
    /// The file cannot be read.
    #[error("cannot read the flash file {path}: {source}; name a readable file of {FLASH_BYTES} bytes, or a new one")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not an image of the whole chip.
    #[error(
        "the flash file {path} has {length_bytes} bytes, the board's flash has {FLASH_BYTES}; \
         name a file of that size, or one that does not exist yet"
    )]
    WrongSize {
        /// The file.
        path: PathBuf,
        /// Its size.
        length_bytes: u64,
    },
    /// The file beside it is not what it should be.
    #[error("{path} does not hold the board's eFuse memory; take it away, and the board begins with an unburnt one")]
    NoEfuse {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the file.
    #[error(
        "the flash file {0} is in use by another virtual board; end that one, or name another file\n  [flash-file-in-use]"
    )]
    InUse(PathBuf),
    /// The new contents cannot be written.
    #[error(
        "cannot save the flash contents to {path}: {source}; the file keeps what it had before\n  {}\n  [{}]",
        folder::advice(source),
        folder::code(source)
    )]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Reads the flash contents; `None` if there is no such file yet.
///
/// # Errors
/// [`FlashFileError::Read`] and [`FlashFileError::WrongSize`].
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, FlashFileError> {
    let failed = |source| FlashFileError::Read { path: path.to_owned(), source };
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // Judged before reading, so that a device or a huge file is not read into memory first.
    if metadata.is_file() && metadata.len() != FLASH_BYTES as u64 {
        return Err(FlashFileError::WrongSize { path: path.to_owned(), length_bytes: metadata.len() });
    }
    if !metadata.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
    }
    let contents = fs::read(path).map_err(failed)?;
    if contents.len() != FLASH_BYTES {
        return Err(FlashFileError::WrongSize { path: path.to_owned(), length_bytes: contents.len() as u64 });
    }
    Ok(Some(contents))
}

/// The file beside the flash file that has the eFuse memory.
fn efuse_path(path: &Path) -> PathBuf {
    let mut name = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()).into_os_string();
    name.push(".efuse");
    name.into()
}

/// Reads the eFuse memory that belongs to a flash file; `None` if nothing was burnt yet.
///
/// # Errors
/// [`FlashFileError::Read`] and [`FlashFileError::NoEfuse`].
pub fn read_efuse(path: &Path) -> Result<Option<EfuseImage>, FlashFileError> {
    let path = efuse_path(path);
    match folder::read_at_most(&path, EfuseImage::BYTES) {
        Ok(bytes) => match bytes.as_deref().and_then(EfuseImage::from_bytes) {
            Some(efuse) => Ok(Some(efuse)),
            None => Err(FlashFileError::NoEfuse { path }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(FlashFileError::Read { path, source }),
    }
}

/// Replaces the file's contents in one step: after a crash it holds either the old ones or the new ones.
///
/// # Errors
/// [`FlashFileError::Write`].
pub fn write(path: &Path, contents: &[u8]) -> Result<(), FlashFileError> {
    let replace = || {
        let (target, beside) = beside(path, &format!("{}.new", std::process::id()))?;
        let outcome = (|| {
            let mut file = fs::File::create(&beside)?;
            file.write_all(contents)?;
            file.sync_all()?;
            if let Ok(metadata) = fs::metadata(&target) {
                file.set_permissions(metadata.permissions())?;
            }
            fs::rename(&beside, &target)
        })();
        if outcome.is_err() {
            let _ = fs::remove_file(&beside);
        }
        outcome
    };
    replace().map_err(|source| FlashFileError::Write { path: path.to_owned(), source })
}

/// A flash file that this process alone has, kept up to date by a thread of its own.
#[derive(Debug)]
pub struct FlashFile {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<Result<(), FlashFileError>>>,
    /// Held as long as the file is ours; the system lets it go with the process, however that ends.
    _lock: fs::File,
    /// Where that lock stands.
    lock_path: PathBuf,
}

impl Drop for FlashFile {
    fn drop(&mut self) {
        // Still held: whoever opens it from now on makes a new one.
        let _ = fs::remove_file(&self.lock_path);
    }
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// What the board's flash holds now.
    now: Option<FlashImage>,
    /// What has been burnt since it was kept the last time.
    burnt: Option<EfuseImage>,
    /// Since when that has not been in the file, and when it changed last.
    unsaved: Option<(Instant, Instant)>,
    ended: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("unsaved", &self.unsaved).field("ended", &self.ended).finish()
    }
}

/// What the board's thread shows its flash to.
#[derive(Debug)]
pub struct FlashWatch {
    shared: Arc<Shared>,
    seen: Option<FlashImage>,
    efuse: EfuseImage,
}

impl FlashFile {
    /// Takes the file for this process.
    ///
    /// # Errors
    /// [`FlashFileError::InUse`] and [`FlashFileError::Write`].
    pub fn claim(path: &Path) -> Result<Self, FlashFileError> {
        let failed = |source| FlashFileError::Write { path: path.to_owned(), source };
        // The file itself is replaced at every change, so a file beside it carries the lock.
        let (_, beside) = beside(path, "lock").map_err(failed)?;
        let lock = loop {
            let lock = fs::File::options().write(true).create(true).truncate(false).open(&beside).map_err(failed)?;
            match lock.try_lock() {
                // The one before may have taken its lock away between our two steps.
                Ok(()) if is_at(&lock, &beside) => break lock,
                Ok(()) => {}
                Err(fs::TryLockError::WouldBlock) => return Err(FlashFileError::InUse(path.to_owned())),
                Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
            }
        };
        let shared: Arc<Shared> = Arc::default();
        let (writes, path) = (Arc::clone(&shared), path.to_owned());
        let writer = thread::Builder::new()
            .name("flash-file".into())
            .spawn(move || writes.keep(&path))
            .map_err(|source| FlashFileError::Write { path: PathBuf::new(), source })?;
        Ok(Self { shared, writer: Some(writer), _lock: lock, lock_path: beside })
    }

    /// What the board shows its flash and its eFuse to; `first` is what the file has, `efuse` what the board begins with.
    #[must_use]
    pub fn watch(&self, first: Option<FlashImage>, efuse: EfuseImage) -> FlashWatch {
        FlashWatch { shared: Arc::clone(&self.shared), seen: first, efuse }
    }

    /// Writes what is not in the file yet, and lets it go.
    ///
    /// # Errors
    /// [`FlashFileError::Write`]
    pub fn close(mut self) -> Result<(), FlashFileError> {
        lock(&self.shared.state).ended = true;
        self.shared.changed.notify_all();
        match self.writer.take().map(JoinHandle::join) {
            Some(Ok(outcome)) => outcome,
            _ => Ok(()),
        }
    }
}

/// Whether an open file is the one that has this name now.
#[cfg(unix)]
fn is_at(file: &fs::File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// An open file keeps its name there.
#[cfg(not(unix))]
fn is_at(_: &fs::File, _: &Path) -> bool {
    true
}

impl FlashWatch {
    /// Takes note of changes; costs nothing where there are none.
    pub fn see(&mut self, flash: &FlashImage, efuse: &EfuseImage) {
        let burns = self.efuse != *efuse;
        if !burns && self.seen.as_ref().is_some_and(|seen| is_same(seen, flash)) {
            return;
        }
        self.seen = Some(flash.clone());
        self.efuse = *efuse;
        let now = Instant::now();
        let mut state = lock(&self.shared.state);
        state.now = Some(flash.clone());
        if burns {
            state.burnt = Some(*efuse);
        }
        let since = state.unsaved.map_or(now, |(since, _)| since);
        state.unsaved = Some((since, now));
        drop(state);
        self.shared.changed.notify_all();
    }
}

/// Whether two images share all their pages; one that does not was written to.
fn is_same(one: &FlashImage, other: &FlashImage) -> bool {
    (0..FLASH_PAGES).all(|at| Arc::ptr_eq(one.page(at), other.page(at)))
}

impl Shared {
    /// Writes whenever the flash has come to rest, until it is told to end; then once more.
    fn keep(&self, path: &Path) -> Result<(), FlashFileError> {
        let mut state = lock(&self.state);
        let mut failed_before = false;
        loop {
            let due = match state.unsaved {
                _ if state.ended => Some(Duration::ZERO),
                None => None,
                Some((since, changed)) => {
                    let rest = AT_REST.saturating_sub(changed.elapsed());
                    Some(rest.min(AT_LATEST.saturating_sub(since.elapsed())))
                }
            };
            match due {
                None => {
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                    continue;
                }
                Some(wait) if !wait.is_zero() => {
                    state = self.changed.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
                    continue;
                }
                Some(_) => {}
            }
            let ended = state.ended;
            let unsaved = state.unsaved.take().and(state.now.clone());
            let burnt = state.burnt.take();
            drop(state);
            // What is burnt stays burnt, whatever becomes of the flash.
            let efuse_kept = burnt.map_or(Ok(()), |efuse| write(&efuse_path(path), &efuse.to_bytes()));
            let flash_kept = unsaved.map_or(Ok(()), |image| write(path, &image.to_bytes()));
            let lost = burnt.filter(|_| efuse_kept.is_err());
            let outcome = efuse_kept.and(flash_kept);
            if ended {
                return outcome;
            }
            state = lock(&self.state);
            if let Err(error) = outcome {
                // Told once; the end of the board tells it again, after one more attempt.
                if !std::mem::replace(&mut failed_before, true) {
                    tracing::warn!(%error, "the flash contents are not in their file yet");
                }
                let now = Instant::now();
                state.unsaved.get_or_insert((now, now));
                state.burnt = state.burnt.or(lost);
            }
        }
    }
}

/// The file that a path means, and one beside it. A link keeps pointing where it did; a rename has to stay within one file
/// system.
fn beside(path: &Path, ending: &str) -> io::Result<(PathBuf, PathBuf)> {
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
    let beside = target.with_file_name(format!(".{name}.{ending}"));
    Ok((target, beside))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_survive_and_a_file_that_does_not_fit_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.bin");
        assert_eq!(read(&path).unwrap(), None);
        let mut contents = vec![0xFF; FLASH_BYTES];
        contents[7] = 1;
        write(&path, &contents).unwrap();
        assert_eq!(read(&path).unwrap().unwrap(), contents);

        fs::write(&path, b"short").unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("has 5 bytes") && message.contains("4194304"), "{message}");
        assert_eq!(fs::read(&path).unwrap(), b"short");
        assert!(matches!(read(folder.path()), Err(FlashFileError::Read { .. })));
    }

    #[test]
    fn saving_where_nothing_can_be_written_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("flash.bin");
        assert!(matches!(write(&path, &[0]), Err(FlashFileError::Write { .. })));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn one_process_at_a_time_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.bin");
        let first = FlashFile::claim(&path).unwrap();
        assert!(matches!(FlashFile::claim(&path), Err(FlashFileError::InUse(_))));
        first.close().unwrap();
        FlashFile::claim(&path).unwrap().close().unwrap();
    }

    #[test]
    fn what_the_board_writes_is_in_the_file_while_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.bin");
        let file = FlashFile::claim(&path).unwrap();
        let mut flash = FlashImage::blank();
        let efuse = unburnt();
        let mut watch = file.watch(Some(flash.clone()), efuse);
        watch.see(&flash, &efuse);
        thread::sleep(2 * AT_REST);
        assert!(!path.exists(), "nothing has changed");
        flash.program(0x1234, 0x5A);
        watch.see(&flash, &efuse);
        let begun = Instant::now();
        while read(&path).unwrap().is_none_or(|contents| contents[0x1234] != 0x5A) {
            assert!(begun.elapsed() < Duration::from_secs(20), "it was never written");
            thread::sleep(Duration::from_millis(20));
        }
        flash.program(0x1235, 0xA5);
        watch.see(&flash, &efuse);
        file.close().unwrap();
        assert_eq!(read(&path).unwrap().unwrap()[0x1234..0x1236], [0x5A, 0xA5], "and at the end");
        assert_eq!(read_efuse(&path).unwrap(), None, "nothing was burnt");
    }

    fn unburnt() -> EfuseImage {
        EfuseImage::new([2, 0, 0, 0, 0, 1], emulator::ChipRevision { major: 0, minor: 3 })
    }

    #[test]
    fn what_is_burnt_is_kept_beside_the_flash() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.bin");
        let file = FlashFile::claim(&path).unwrap();
        let mut watch = file.watch(Some(FlashImage::blank()), unburnt());
        let mut burnt = unburnt().to_bytes();
        burnt[16] |= 0xC0;
        let burnt = EfuseImage::from_bytes(&burnt).unwrap();
        watch.see(&FlashImage::blank(), &burnt);
        file.close().unwrap();
        assert_eq!(read_efuse(&path).unwrap(), Some(burnt));

        fs::write(folder.path().join("flash.bin.efuse"), b"short").unwrap();
        let message = read_efuse(&path).unwrap_err().to_string();
        assert!(message.contains("flash.bin.efuse"), "{message}");
    }

    #[test]
    fn a_program_that_writes_all_the_time_is_kept_now_and_then() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("flash.bin");
        let file = FlashFile::claim(&path).unwrap();
        let mut flash = FlashImage::blank();
        let efuse = unburnt();
        let mut watch = file.watch(Some(flash.clone()), efuse);
        let begun = Instant::now();
        for address in 0.. {
            flash.program(address, 0);
            watch.see(&flash, &efuse);
            if path.exists() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "it waits for a rest that never comes");
            thread::sleep(AT_REST / 10);
        }
        file.close().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_the_file_stays_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real.bin"), folder.path().join("link.bin"));
        write(&real, &[0xFF; FLASH_BYTES]).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        write(&link, &[0; FLASH_BYTES]).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(read(&real).unwrap().unwrap(), [0; FLASH_BYTES]);
    }
}
