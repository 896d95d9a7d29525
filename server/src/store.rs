//! What visitors leave behind: answers, edits, results. Kept in SQLite, in one thread of its own.
//!
//! A write is answered after it is on the disk, so that nothing acknowledged is lost by `kill -9`
//! or a power cut (write-ahead log with `synchronous = FULL`), and after a look whether the file that
//! was written is still the one in the data folder: a deleted folder takes every write and keeps none. Who waits for the
//! disk waits together (`group`).
//!
//! A visitor is a row only once there is something to keep: cookies are free, rows are not. The file
//! has a size that it does not outgrow ([`Quota`]).

mod class;
mod file;
mod group;
mod proof;
mod quota;
mod tables;

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

use file::DatabaseFile;
use group::{Database, Job, Kind};
pub use proof::{Proof, WaitingCheck};
pub use quota::Quota;

/// The database file in the data folder.
const FILE: &str = "isrlab.sqlite3";

/// Rows of the outcome table kept for one visitor and lesson; the oldest give way.
const OUTCOMES_KEPT: u32 = 100;

/// Bytes in the key with which visitors' secrets are made.
pub const KEY_BYTES: usize = 32;

/// A visitor, by their number: an older database gave it, or their secret does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct VisitorId(pub i64);

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
            _ => false,
        }
    }

    /// Whether the file on the disk is not sound.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged { .. } => true,
            Self::Database { source, .. } => file::is_damage(source),
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

/// A handle to the database's thread.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
    key: [u8; KEY_BYTES],
    quota: Quota,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Store {
    /// Opens the database in `folder`, or one in memory.
    ///
    /// # Errors
    /// The folder cannot be made, or the database is damaged or too new.
    pub fn open(folder: Option<&Path>, quota: Quota) -> Result<Self, StoreError> {
        let path = folder.map(|folder| folder.join(FILE));
        let told = |error: StoreError| match (&path, error) {
            (Some(path), StoreError::Database { source, .. }) if file::is_damage(&source) => {
                StoreError::Damaged { path: path.clone(), finding: source.to_string() }
            }
            (_, error) => error,
        };
        let (connection, key) = Self::connect(folder, path.as_deref(), quota).map_err(told)?;
        let file = path.map(DatabaseFile::seen).transpose()?;
        let database = Database { connection, file, removed: HashSet::new() };
        let (jobs, waiting) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("store".into())
            .spawn(move || database.serve(&waiting))
            .map_err(|source| StoreError::Folder { folder: "(thread)".into(), source })?;
        Ok(Self { jobs, key, quota })
    }

    fn connect(
        folder: Option<&Path>,
        path: Option<&Path>,
        quota: Quota,
    ) -> Result<(Connection, [u8; KEY_BYTES]), StoreError> {
        let failed = |doing| move |source| StoreError::Database { doing, source };
        let mut connection = match (folder, path) {
            (Some(folder), Some(path)) => {
                std::fs::create_dir_all(folder)
                    .map_err(|source| StoreError::Folder { folder: folder.display().to_string(), source })?;
                Connection::open(path)
            }
            _ => Connection::open_in_memory(),
        }
        .map_err(failed("opening"))?;
        if let Some(path) = path {
            file::check(&connection, path)?;
        }
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed("opening"))?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed("opening"))?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed("opening"))?;
        // What is deleted or replaced does not stay readable in the file.
        connection.pragma_update(None, "secure_delete", true).map_err(failed("opening"))?;
        tables::migrate(&mut connection)?;
        quota.limit(&connection).map_err(failed("limiting its size"))?;
        quota::forget_who_left_nothing(&connection).map_err(failed("forgetting visitors"))?;
        let key = key(&connection)?;
        Ok((connection, key))
    }

    /// The key with which visitors' secrets are made. It is the database's, so that a browser is known after a restart.
    #[must_use]
    pub fn key(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }

    /// The visitor to whom an older workbench gave this secret, if there is one; notes that they were here.
    ///
    /// # Errors
    /// The database failed.
    pub async fn find_visitor(&self, secret: String) -> Result<Option<VisitorId>, StoreError> {
        self.ask("looking a visitor up", move |database| {
            database
                .query_row(
                    "UPDATE visitor SET seen = ?2 WHERE secret_hash = ?1 RETURNING id",
                    params![hash(&secret), now_s()],
                    |row| row.get(0).map(VisitorId),
                )
                .optional()
        })
        .await
    }

    /// A visitor's work on a lesson.
    ///
    /// # Errors
    /// The database failed.
    pub async fn work(&self, visitor: VisitorId, lesson: String) -> Result<Work, StoreError> {
        self.ask("reading a visitor's work", move |database| {
            let sql = "SELECT program, prediction, steps, last_check, failures, passed, proof FROM work WHERE visitor = ?1 AND lesson = ?2";
            let found = database.query_row(sql, params![visitor.0, lesson], work_of_row);
            let mut work = found.optional()?.unwrap_or_default();
            let mut rows =
                database.prepare_cached("SELECT row FROM outcome WHERE visitor = ?1 AND lesson = ?2 ORDER BY id")?;
            for row in rows.query_map(params![visitor.0, lesson], |row| file::text(row, 0))? {
                work.outcomes.push(json(&row?));
            }
            Ok(work)
        })
        .await
    }

    /// A visitor's work on every lesson they touched.
    ///
    /// # Errors
    /// The database failed.
    pub async fn all_work(&self, visitor: VisitorId) -> Result<Vec<(String, Work)>, StoreError> {
        self.ask("reading a visitor's work", move |database| {
            let sql =
                "SELECT program, prediction, steps, last_check, failures, passed, proof, lesson FROM work WHERE visitor = ?1 ORDER BY lesson";
            let mut rows = database.prepare_cached(sql)?;
            rows.query_map(params![visitor.0], |row| Ok((file::text(row, 7)?, work_of_row(row)?)))?
            .collect()
        })
        .await
    }

    /// Keeps what the page saves of a visitor's work; `allowed` is asked where that is more than before.
    ///
    /// # Errors
    /// The database failed or it is too much; nothing was changed.
    pub async fn save_work(
        &self,
        visitor: VisitorId,
        lesson: String,
        work: SavedWork,
        allowed: Allowance,
    ) -> Result<(), StoreError> {
        let quota = self.quota;
        self.keep("saving a visitor's work", visitor, move |change| {
            let (prediction, steps) = (work.prediction.to_string(), work.steps.to_string());
            let size = work.program.as_ref().map_or(0, String::len) + prediction.len() + steps.len();
            if !quota.has_share(change, visitor, &lesson, size as u64, allowed)? {
                return Ok(Kept::TooMuch);
            }
            let sql = "INSERT INTO work (visitor, lesson, program, prediction, steps, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT DO UPDATE SET program = ?3, prediction = ?4, steps = ?5, updated = ?6";
            change.execute(sql, params![visitor.0, lesson, work.program, prediction, steps, now_s()])?;
            Ok(Kept::Done(()))
        })
        .await
    }

    /// Keeps the verdict of a check that the server has run.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    pub async fn save_check(&self, visitor: VisitorId, lesson: String, verdict: Value) -> Result<(), StoreError> {
        self.keep("saving a verdict", visitor, move |change| {
            let passed = verdict["passed"].as_bool().unwrap_or(false);
            let sql = "INSERT INTO work (visitor, lesson, last_check, failures, passed, proof, updated)
                VALUES (?1, ?2, ?3, NOT ?4, ?4, CASE WHEN ?4 THEN 'verified' ELSE 'none' END, ?5)
                ON CONFLICT DO UPDATE SET last_check = ?3, failures = failures + NOT ?4, passed = passed OR ?4, updated = ?5,
                    proof = CASE WHEN ?4 THEN 'verified' ELSE proof END";
            change.execute(sql, params![visitor.0, lesson, verdict.to_string(), passed, now_s()])?;
            Ok(Kept::Done(()))
        })
        .await
    }

    /// Keeps a row of the outcome table, numbers it, and returns it with its number and time.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    pub async fn add_outcome(&self, visitor: VisitorId, lesson: String, mut row: Value) -> Result<Value, StoreError> {
        self.keep("saving an outcome", visitor, move |change| {
            let sql =
                "SELECT COALESCE(MAX(json_extract(row, '$.n')), 0) + 1 FROM outcome WHERE visitor = ?1 AND lesson = ?2";
            let number: i64 = change.query_row(sql, params![visitor.0, lesson], |row| row.get(0))?;
            row["n"] = number.into();
            row["at"] = now_s().into();
            let sql = "INSERT INTO outcome (visitor, lesson, at, row) VALUES (?1, ?2, ?3, ?4)";
            change.execute(sql, params![visitor.0, lesson, now_s(), row.to_string()])?;
            let sql = "DELETE FROM outcome WHERE visitor = ?1 AND lesson = ?2 AND id NOT IN
                (SELECT id FROM outcome WHERE visitor = ?1 AND lesson = ?2 ORDER BY id DESC LIMIT ?3)";
            change.execute(sql, params![visitor.0, lesson, OUTCOMES_KEPT])?;
            Ok(Kept::Done(row))
        })
        .await
    }

    /// Clears the outcome table of a lesson.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    pub async fn clear_outcomes(&self, visitor: VisitorId, lesson: String) -> Result<(), StoreError> {
        self.ask("clearing outcomes", move |database| {
            let sql = "DELETE FROM outcome WHERE visitor = ?1 AND lesson = ?2";
            database.execute(sql, params![visitor.0, lesson]).map(drop)
        })
        .await
    }

    /// Carries out a change of what is kept of a visitor, who is a row from then on. When it returns, the change is in
    /// the file that is in the data folder: its group looks for that after the commit.
    async fn keep<T: Send + 'static>(
        &self,
        doing: &'static str,
        visitor: VisitorId,
        work: impl FnOnce(&Connection) -> rusqlite::Result<Kept<T>> + Send + 'static,
    ) -> Result<T, StoreError> {
        let quota = self.quota;
        self.job(doing, Kind::Keeps, move |database| {
            let failed = |source| StoreError::Database { doing, source };
            database.still_there()?;
            if database.removed.contains(&visitor) {
                return Err(StoreError::Removed);
            }
            quota.make_room(&mut database.connection, visitor).map_err(failed)?;
            let change = database.connection.savepoint().map_err(failed)?;
            let sql = "INSERT INTO visitor (id, secret_hash, created, seen) VALUES (?1, 'minted ' || ?1, ?2, ?2)
                ON CONFLICT DO UPDATE SET seen = ?2";
            change.execute(sql, params![visitor.0, now_s()]).map_err(failed)?;
            let kept = match work(&change).map_err(failed)? {
                Kept::Done(kept) => kept,
                Kept::TooMuch => return Err(StoreError::TooMuch),
            };
            change.commit().map_err(failed)?;
            Ok(kept)
        })
        .await
    }

    /// Carries out a change that is no visitor's.
    async fn change<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.job(doing, Kind::Keeps, move |database| database.change(doing, work)).await
    }

    async fn ask<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.job(doing, Kind::Looks, move |database| {
            work(&mut database.connection).map_err(|source| StoreError::Database { doing, source })
        })
        .await
    }

    async fn job<T: Send + 'static>(
        &self,
        doing: &'static str,
        kind: Kind,
        work: impl FnOnce(&mut Database) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        // The asker may have gone away; the work is done all the same.
        let job = Job::new(kind, work, move |done| _ = reply.send(done));
        self.jobs.send(job).map_err(|_| StoreError::Closed)?;
        let result = answer.await.map_err(|_| StoreError::Closed)?;
        if let Err(error) = &result {
            tracing::debug!(doing, %error, "the store refuses");
        }
        result
    }
}

/// What came of a change.
enum Kept<T> {
    Done(T),
    /// It is more than the visitor's share; nothing is changed.
    TooMuch,
}

/// The database's key; made the first time.
fn key(database: &Connection) -> Result<[u8; KEY_BYTES], StoreError> {
    let failed = |source| StoreError::Database { doing: "reading its key", source };
    let found: Option<[u8; KEY_BYTES]> =
        database.query_row("SELECT key FROM mint", [], |row| row.get(0)).optional().map_err(failed)?;
    if let Some(key) = found {
        return Ok(key);
    }
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(StoreError::Random)?;
    database.execute("INSERT INTO mint (key) VALUES (?1)", params![key]).map_err(failed)?;
    Ok(key)
}

/// What is kept of a secret: whoever reads the file cannot pass for a visitor. Secrets are 256 random
/// bits, so nothing can be gained by trying, and neither salt nor a slow function is needed.
fn hash(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The work in a row whose first columns are those of [`Work`], without its outcomes.
fn work_of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Work> {
    Ok(Work {
        program: file::maybe_text(row, 0)?,
        prediction: json(&file::text(row, 1)?),
        steps: json(&file::text(row, 2)?),
        last_check: file::maybe_text(row, 3)?.map(|text| json(&text)),
        failures: file::number(row, 4)?,
        passed: file::number(row, 5)? != 0,
        proof: Proof::from_name(&file::text(row, 6)?),
        outcomes: Vec::new(),
    })
}

/// JSON that this file wrote; what somebody else damaged reads as null.
fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn now_s() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

#[cfg(test)]
mod tests;
