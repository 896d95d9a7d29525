//! The database's file: whether it is sound, whether it is still there, and how a value is read whatever is in it.

use std::path::{Path, PathBuf};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, Row};

use super::super::StoreError;

/// A file as it was when it was opened.
#[derive(Debug)]
pub(super) struct DatabaseFile {
    path: PathBuf,
    identity: Identity,
}

/// What tells a file from another one of the same name. Where the system has no such numbers, an open file cannot be
/// deleted.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = ();

impl DatabaseFile {
    /// Notes which file this is.
    pub(super) fn seen(path: PathBuf) -> Result<Self, StoreError> {
        match identity(&path) {
            Ok(identity) => Ok(Self { path, identity }),
            Err(source) => Err(StoreError::Folder { folder: path.display().to_string(), source }),
        }
    }

    /// Checks that the path still leads to that file.
    pub(super) fn still_there(&self) -> Result<(), StoreError> {
        match identity(&self.path) {
            Ok(now) if now == self.identity => Ok(()),
            _ => Err(StoreError::Gone(self.path.clone())),
        }
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> std::io::Result<Identity> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> std::io::Result<Identity> {
    std::fs::metadata(path).map(drop)
}

/// Whether SQLite says that the file is not sound.
pub(in crate::store) fn is_damage(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
}

/// Reads the whole file once: a damaged page is found now and not by a pupil in the middle of a lesson.
pub(super) fn check(database: &Connection, path: &Path) -> Result<(), StoreError> {
    let damaged = |finding: String| StoreError::Damaged { path: path.to_owned(), finding };
    let finding = database.query_row("PRAGMA integrity_check(1)", [], |row| text(row, 0)).map_err(|source| {
        match is_damage(&source) {
            true => damaged(source.to_string()),
            false => StoreError::Database { doing: "checking the file", source },
        }
    })?;
    if finding == "ok" { Ok(()) } else { Err(damaged(finding)) }
}

/// Text, or what was made of it: bytes that are none read as U+FFFD.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(maybe_text(row, column)?.unwrap_or_default())
}

/// As [`text`], where there may be none.
pub(super) fn maybe_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(match row.get_ref(column)? {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    })
}

/// A count; what is none reads as 0.
pub(super) fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    Ok(match row.get_ref(column)? {
        ValueRef::Integer(number) => u32::try_from(number).unwrap_or(0),
        _ => 0,
    })
}
