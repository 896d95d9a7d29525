//! The file that keeps a virtual board's flash contents between runs.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::folder;

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

/// Replaces the file's contents in one step: after a crash it holds either the old ones or the new ones.
///
/// # Errors
/// [`FlashFileError::Write`].
pub fn write(path: &Path, contents: &[u8]) -> Result<(), FlashFileError> {
    let replace = || {
        // A link keeps pointing where it did; the rename has to stay within one file system.
        let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let name = target.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy().into_owned();
        let beside = target.with_file_name(format!(".{name}.{}.new", std::process::id()));
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
