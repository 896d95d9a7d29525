//! What can go wrong with files that the workbench keeps on this machine.

use std::io;

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
