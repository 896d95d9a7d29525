//! What can go wrong with files that the workbench keeps on this machine.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// A file of ours could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("{doing}: {error}")]
pub struct FolderFault {
    /// What does not happen.
    pub doing: &'static str,
    /// What the system says.
    pub error: io::Error,
}

impl FolderFault {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        code(&self.error)
    }

    /// What to try.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        advice(&self.error)
    }
}

/// The stable code of a failure to keep a file.
#[must_use]
pub fn code(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "disk-full",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "folder-permission",
        _ => "folder-unusable",
    }
}

/// What to try.
#[must_use]
pub fn advice(error: &io::Error) -> &'static str {
    match code(error) {
        "disk-full" => "Free room on that disk, or name a folder on another one.",
        "folder-permission" => "Name a folder that you may write to.",
        _ => "Name another folder.",
    }
}

/// Reads a file of at most `most` bytes; `None`: it has more. A device that never ends is a file as well.
///
/// # Errors
/// The system's.
pub fn read_at_most(path: &Path, most: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() <= most).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_bound_and_no_further() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, b"12345").unwrap();
        assert_eq!(read_at_most(&path, 5).unwrap(), Some(b"12345".to_vec()));
        assert_eq!(read_at_most(&path, 4).unwrap(), None);
        assert!(read_at_most(&folder.path().join("none"), 4).is_err());
        #[cfg(unix)]
        assert_eq!(read_at_most(Path::new("/dev/zero"), 1000).unwrap(), None);
    }
}
