//! What visitors leave behind: answers, edits, results. Kept in a file by SQLite, for one process, or in a school's PostgreSQL,
//! for several of them at once.
//!
//! A write is answered after it is on the disk, so that nothing acknowledged is lost by `kill -9` or a power cut. A visitor is a
//! row only once there is something to keep: cookies are free, rows are not. What is kept has a size that it does not
//! outgrow ([`Quota`]).

mod postgres;
mod proof;
mod quota;
mod sqlite;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::class::{Class, ClassId, Learner, Seat, SeatId};
pub use postgres::{DatabaseUrl, Elsewhere, Heard, Others, Presence, Survey};
pub use proof::{Proof, WaitingCheck};
pub use quota::Quota;

/// Rows of the outcome table kept for one visitor and lesson; the oldest give way.
const OUTCOMES_KEPT: u32 = 100;

/// Bytes in the key with which visitors' secrets are made.
pub const KEY_BYTES: usize = 32;

/// A visitor, by their number: an older database gave it, or their secret does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct VisitorId(pub i64);

/// The numbers of learners' visitors where several processes share a database: no cookie has one of them.
const OF_SEATS: std::ops::Range<i64> = 1 << 61..1 << 62;

impl VisitorId {
    /// A visitor to whom no cookie leads: what a learner leaves behind is theirs.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn of_a_new_seat() -> Result<Self, getrandom::Error> {
        Ok(Self((getrandom::u64()? >> 3).cast_signed() | OF_SEATS.start))
    }

    /// Whether it is a learner's. An older workbench gave learners numbers that say nothing of it.
    fn is_of_a_seat(self) -> bool {
        OF_SEATS.contains(&self.0)
    }
}

/// Why something could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused.
    #[error("the database failed while {doing}: {source}{}", what_to_try(source))]
    Database {
        /// What was being done.
        doing: &'static str,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The data folder cannot be made.
    #[error("the data folder {folder} cannot be made: {source}")]
    Folder {
        /// The folder.
        folder: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// The database was written by a newer workbench.
    #[error(
        "the database has version {found}, this workbench knows {known}; use a newer workbench or another --data folder"
    )]
    Newer {
        /// Its version.
        found: u32,
        /// Ours.
        known: u32,
    },
    /// PostgreSQL refused.
    #[error("the database failed while {doing}: {cause}")]
    Postgres {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        cause: String,
        /// Whether it has no room left.
        full: bool,
    },
    /// PostgreSQL cannot be reached.
    #[error(
        "the database does not answer while {doing}: {cause}\n  Start it, or name the right one with --database: host, name, user \
         and password.\n  [database-away]"
    )]
    Away {
        /// What was being done.
        doing: &'static str,
        /// What happened.
        cause: String,
    },
    /// Somebody else has the nickname, or another class the PIN.
    #[error("the name is taken")]
    Taken,
    /// Another process has changed it meanwhile, or it is gone.
    #[error("it was changed meanwhile")]
    Outdated,
    /// The database's thread has ended.
    #[error("the database is closed")]
    Closed,
    /// The file on the disk is not sound.
    #[error(
        "the database {path} is damaged ({finding}), and what pupils saved may be in it\n  Move the file to another \
         folder to begin anew, or put a copy in its place; `sqlite3 FILE .recover` saves what can be read.\n  [database-damaged]"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite found.
        finding: String,
    },
    /// The file that is written is no longer in the data folder.
    #[error("the database {0} was deleted or replaced while the workbench ran\n  [data-folder-gone]")]
    Gone(PathBuf),
    /// The visitor is a learner who was removed, with everything of theirs.
    #[error("the learner was removed")]
    Removed,
    /// A visitor, or a machine, keeps more than its share.
    #[error("more than a visitor's share is to be kept")]
    TooMuch,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// Advice and code of a failure that whoever starts the workbench can mend.
fn what_to_try(error: &rusqlite::Error) -> &'static str {
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull) {
        "\n  Free room on that disk, or name a folder on another one.\n  [disk-full]"
    } else {
        ""
    }
}

impl StoreError {
    /// Whether there is no room left for the database.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        match self {
            Self::Database { source, .. } => source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull),
            Self::Folder { source, .. } => source.kind() == std::io::ErrorKind::StorageFull,
            Self::Postgres { full, .. } => *full,
            _ => false,
        }
    }

    /// Whether the file on the disk is not sound.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Database { source, .. } => sqlite::is_damage(source),
            _ => false,
        }
    }
}

/// A visitor's work on one lesson.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Work {
    /// The program as the visitor left it; `None`: untouched.
    pub program: Option<String>,
    /// The answers to the lesson's questions, as the page keeps them.
    #[serde(default)]
    pub prediction: Value,
    /// Which steps are done, as the page keeps them.
    #[serde(default)]
    pub steps: Value,
    /// The verdict of the last check.
    #[serde(default)]
    pub last_check: Option<Value>,
    /// Checks that did not pass.
    #[serde(default)]
    pub failures: u32,
    /// Whether a check has ever passed.
    #[serde(default)]
    pub passed: bool,
    /// Who has seen it pass.
    #[serde(default)]
    pub proof: Proof,
    /// The rows of the outcome table, the oldest first.
    #[serde(default)]
    pub outcomes: Vec<Value>,
}

/// The part of a visitor's work that the page saves.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedWork {
    /// See [`Work::program`].
    #[serde(default)]
    pub program: Option<String>,
    /// See [`Work::prediction`].
    #[serde(default)]
    pub prediction: Value,
    /// See [`Work::steps`].
    #[serde(default)]
    pub steps: Value,
}

/// Asked before more is kept than before, with the bytes that come to it; false refuses.
pub type Allowance = Box<dyn FnOnce(u64) -> bool + Send>;

/// What visitors save.
#[async_trait]
pub trait WorkStore {
    /// The visitor to whom an older workbench gave this secret, if there is one; notes that they were here.
    ///
    /// # Errors
    /// The database failed.
    async fn find_visitor(&self, secret: String) -> Result<Option<VisitorId>, StoreError>;

    /// A visitor's work on a lesson.
    ///
    /// # Errors
    /// The database failed.
    async fn work(&self, visitor: VisitorId, lesson: String) -> Result<Work, StoreError>;

    /// A visitor's work on every lesson they touched, without the rows of the outcome tables.
    ///
    /// # Errors
    /// The database failed.
    async fn all_work(&self, visitor: VisitorId) -> Result<Vec<(String, Work)>, StoreError>;

    /// Keeps what the page saves of a visitor's work; `allowed` is asked where that is more than before.
    ///
    /// # Errors
    /// The database failed or it is too much; nothing was changed.
    async fn save_work(
        &self,
        visitor: VisitorId,
        lesson: String,
        work: SavedWork,
        allowed: Allowance,
    ) -> Result<(), StoreError>;

    /// Keeps the verdict of a check that the server has run.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    async fn save_check(&self, visitor: VisitorId, lesson: String, verdict: Value) -> Result<(), StoreError>;

    /// Keeps a row of the outcome table, numbers it, and returns it with its number and time.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    async fn add_outcome(&self, visitor: VisitorId, lesson: String, row: Value) -> Result<Value, StoreError>;

    /// Clears the outcome table of a lesson.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    async fn clear_outcomes(&self, visitor: VisitorId, lesson: String) -> Result<(), StoreError>;
}

/// Checks that passed in a learner's tab, and wait to be run again.
#[async_trait]
pub trait ReportStore {
    /// Keeps a verdict that a visitor's browser reports. If it passed, the program waits to be run again, in the place of an
    /// earlier one; not if the server has seen one pass already. Returns what is known now.
    ///
    /// # Errors
    /// The database failed or it is too much; nothing was changed.
    async fn report_check(&self, report: WaitingCheck, verdict: Value, allowed: Allowance)
    -> Result<Proof, StoreError>;

    /// The program that has waited longest to be run again, of those that this process is to run.
    ///
    /// # Errors
    /// The database failed.
    async fn waiting_check(&self) -> Result<Option<WaitingCheck>, StoreError>;

    /// A visitor's programs that are to be run again, by lesson.
    ///
    /// # Errors
    /// The database failed.
    async fn waiting_programs(&self, visitor: VisitorId) -> Result<BTreeMap<String, String>, StoreError>;

    /// Keeps what the server's own run of a reported program came to; `None`: it could not be run, and stays reported.
    /// Returns what is known now, or `None` if a newer program has taken its place meanwhile.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    async fn settle_check(&self, check: WaitingCheck, passed: Option<bool>) -> Result<Option<Proof>, StoreError>;
}

/// Classes and learners. Another process may have changed them meanwhile: then nothing is changed, and the answer is
/// [`StoreError::Outdated`].
#[async_trait]
pub trait ClassStore {
    /// Every class with everybody in it.
    ///
    /// # Errors
    /// The database failed.
    async fn classes(&self) -> Result<Vec<Class>, StoreError>;

    /// Keeps a new class and numbers it.
    ///
    /// # Errors
    /// The database failed, or another class has its PIN; nothing was changed.
    async fn add_class(&self, class: &Class) -> Result<ClassId, StoreError>;

    /// Keeps what is known of a class, its learners apart. Returns its new revision.
    ///
    /// # Errors
    /// The database failed, or another class has its PIN; nothing was changed.
    async fn save_class(&self, class: &Class) -> Result<i64, StoreError>;

    /// Keeps a new learner and numbers the seat.
    ///
    /// # Errors
    /// The database failed, or somebody has the nickname; nothing was changed.
    async fn add_seat(&self, class: ClassId, seat: &Seat) -> Result<SeatId, StoreError>;

    /// Keeps a learner, and how far they are in one lesson. Returns the seat's new revision.
    ///
    /// # Errors
    /// The database failed, or somebody has the nickname; nothing was changed.
    async fn save_seat(&self, seat: &Seat, lesson: Option<&str>) -> Result<i64, StoreError>;

    /// Forgets a learner and all their work.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    async fn remove_seat(&self, seat: SeatId) -> Result<(), StoreError>;

    /// Forgets a class with everything of everybody in it.
    ///
    /// # Errors
    /// The database failed.
    async fn delete_class(&self, class: ClassId) -> Result<(), StoreError>;

    /// Keeps a class that comes from another computer, with everybody's work. Seats have their visitors already.
    ///
    /// # Errors
    /// The database failed, two learners have one nickname, or another class has its PIN; nothing was changed.
    async fn import_class(&self, class: &Class, learners: Vec<Learner>) -> Result<ClassId, StoreError>;

    /// The newest row that every learner of a class measured with the lesson's own program and exactly these settings, given
    /// as JSON with its keys in order.
    ///
    /// # Errors
    /// The database failed.
    async fn sample(&self, class: ClassId, lesson: String, settings: String) -> Result<Vec<Value>, StoreError>;
}

/// A database.
pub trait Database: WorkStore + ReportStore + ClassStore + Send + Sync {
    /// The key with which visitors' secrets are made. It is the database's, so that a browser is known after a restart.
    fn key(&self) -> &[u8; KEY_BYTES];

    /// What there is between the processes that work on this database; `None`: it is this process's alone.
    fn others(&self) -> Option<&Others> {
        None
    }
}

/// A handle to the database.
#[derive(Clone)]
pub struct Store(Arc<dyn Database>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Deref for Store {
    type Target = dyn Database;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Store {
    /// Opens the database file in `folder`, or a database in memory.
    ///
    /// # Errors
    /// The folder cannot be made, or the database is damaged or too new.
    pub fn open(folder: Option<&Path>, quota: Quota) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(sqlite::Sqlite::open(folder, quota)?)))
    }

    /// The store of a database, or without one of a folder.
    ///
    /// # Errors
    /// As [`Self::connect`] and [`Self::open`].
    pub async fn at(database: Option<&DatabaseUrl>, folder: Option<&Path>, quota: Quota) -> Result<Self, StoreError> {
        match database {
            Some(url) => Self::connect(url, quota).await,
            None => Self::open(folder, quota),
        }
    }

    /// Connects to a PostgreSQL that other processes may use as well.
    ///
    /// # Errors
    /// It cannot be reached, or is too new.
    pub async fn connect(url: &DatabaseUrl, quota: Quota) -> Result<Self, StoreError> {
        Ok(Self(Arc::new(postgres::Postgres::connect(url, quota).await?)))
    }
}

/// A new key of a database.
fn fresh_key() -> Result<[u8; KEY_BYTES], StoreError> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(StoreError::Random)?;
    Ok(key)
}

/// JSON that the store wrote; what somebody else damaged reads as null.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// The JSON of a part of a class.
fn text(value: &impl Serialize) -> String {
    // Maps with text keys, numbers and texts: nothing of it cannot be JSON.
    serde_json::to_string(value).unwrap_or_default()
}

/// What [`text`] wrote; what somebody else damaged is left out, and said.
fn of_text<T: DeserializeOwned>(text: &str, what: &'static str, id: i64) -> Option<T> {
    serde_json::from_str(text).inspect_err(|error| tracing::error!(%error, what, id, "a row cannot be read")).ok()
}

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

#[cfg(test)]
mod tests;
