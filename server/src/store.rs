//! What visitors leave behind: answers, edits, results. Kept in SQLite, in one thread of its own.
//!
//! A write is answered after it is on the disk, so that nothing acknowledged is lost by `kill -9`
//! or a power cut (write-ahead log with `synchronous = FULL`).

use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::oneshot;

/// The database file in the data folder.
const FILE: &str = "isrlab.sqlite3";

/// What brings the tables from one version to the next.
enum Change {
    Sql(&'static str),
    Code(fn(&Connection) -> rusqlite::Result<()>),
}

/// The changes from one version of the tables to the next; `user_version` counts them. Only append.
const MIGRATIONS: [Change; 2] = [
    Change::Sql(
        "
    CREATE TABLE visitor (
        id INTEGER PRIMARY KEY,
        secret TEXT NOT NULL UNIQUE,
        created INTEGER NOT NULL,
        seen INTEGER NOT NULL
    );
    CREATE TABLE work (
        visitor INTEGER NOT NULL REFERENCES visitor(id) ON DELETE CASCADE,
        lesson TEXT NOT NULL,
        program TEXT,
        prediction TEXT NOT NULL DEFAULT 'null',
        steps TEXT NOT NULL DEFAULT '{}',
        last_check TEXT,
        failures INTEGER NOT NULL DEFAULT 0,
        passed INTEGER NOT NULL DEFAULT 0,
        updated INTEGER NOT NULL,
        PRIMARY KEY (visitor, lesson)
    ) WITHOUT ROWID;
    CREATE TABLE outcome (
        id INTEGER PRIMARY KEY,
        visitor INTEGER NOT NULL REFERENCES visitor(id) ON DELETE CASCADE,
        lesson TEXT NOT NULL,
        at INTEGER NOT NULL,
        row TEXT NOT NULL
    );
    CREATE INDEX outcome_by_lesson ON outcome (visitor, lesson, id);
",
    ),
    Change::Code(hash_secrets),
];

/// Rows of the outcome table kept for one visitor and lesson; the oldest give way.
const OUTCOMES_KEPT: u32 = 100;

/// A visitor, by the number that the database gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
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
            Self::Newer { .. } | Self::Closed => false,
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

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle to the database's thread.
#[derive(Clone)]
pub struct Store {
    jobs: mpsc::Sender<Job>,
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
    pub fn open(folder: Option<&Path>) -> Result<Self, StoreError> {
        let failed = |doing| move |source| StoreError::Database { doing, source };
        let mut connection = match folder {
            Some(folder) => {
                std::fs::create_dir_all(folder)
                    .map_err(|source| StoreError::Folder { folder: folder.display().to_string(), source })?;
                Connection::open(folder.join(FILE))
            }
            None => Connection::open_in_memory(),
        }
        .map_err(failed("opening"))?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(failed("opening"))?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(failed("opening"))?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failed("opening"))?;
        // What is deleted or replaced does not stay readable in the file.
        connection.pragma_update(None, "secure_delete", true).map_err(failed("opening"))?;
        migrate(&mut connection)?;
        let (jobs, waiting) = mpsc::channel::<Job>();
        thread::Builder::new()
            .name("store".into())
            .spawn(move || {
                for job in waiting {
                    job(&mut connection);
                }
            })
            .map_err(|source| StoreError::Folder { folder: "(thread)".into(), source })?;
        Ok(Self { jobs })
    }

    /// The visitor with this secret, if there is one; notes that they were here.
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

    /// Adds a visitor with this secret.
    ///
    /// # Errors
    /// The database failed.
    pub async fn add_visitor(&self, secret: String) -> Result<VisitorId, StoreError> {
        self.ask("adding a visitor", move |database| {
            let sql = "INSERT INTO visitor (secret_hash, created, seen) VALUES (?1, ?2, ?2) RETURNING id";
            database.query_row(sql, params![hash(&secret), now_s()], |row| row.get(0).map(VisitorId))
        })
        .await
    }

    /// A visitor's work on a lesson.
    ///
    /// # Errors
    /// The database failed.
    pub async fn work(&self, visitor: VisitorId, lesson: String) -> Result<Work, StoreError> {
        self.ask("reading a visitor's work", move |database| {
            let sql = "SELECT program, prediction, steps, last_check, failures, passed FROM work WHERE visitor = ?1 AND lesson = ?2";
            let found = database.query_row(sql, params![visitor.0, lesson], work_of_row);
            let mut work = found.optional()?.unwrap_or_default();
            let mut rows =
                database.prepare_cached("SELECT row FROM outcome WHERE visitor = ?1 AND lesson = ?2 ORDER BY id")?;
            for row in rows.query_map(params![visitor.0, lesson], |row| row.get::<_, String>(0))? {
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
                "SELECT program, prediction, steps, last_check, failures, passed, lesson FROM work WHERE visitor = ?1 ORDER BY lesson";
            let mut rows = database.prepare_cached(sql)?;
            rows.query_map(params![visitor.0], |row| Ok((row.get(6)?, work_of_row(row)?)))?
            .collect()
        })
        .await
    }

    /// Keeps what the page saves of a visitor's work.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    pub async fn save_work(&self, visitor: VisitorId, lesson: String, work: SavedWork) -> Result<(), StoreError> {
        self.ask("saving a visitor's work", move |database| {
            let sql = "INSERT INTO work (visitor, lesson, program, prediction, steps, updated) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                ON CONFLICT DO UPDATE SET program = ?3, prediction = ?4, steps = ?5, updated = ?6";
            let (prediction, steps) = (work.prediction.to_string(), work.steps.to_string());
            database.execute(sql, params![visitor.0, lesson, work.program, prediction, steps, now_s()]).map(drop)
        })
        .await
    }

    /// Keeps the verdict of a check.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    pub async fn save_check(&self, visitor: VisitorId, lesson: String, verdict: Value) -> Result<(), StoreError> {
        self.ask("saving a verdict", move |database| {
            let passed = verdict["passed"].as_bool().unwrap_or(false);
            let sql = "INSERT INTO work (visitor, lesson, last_check, failures, passed, updated) VALUES (?1, ?2, ?3, NOT ?4, ?4, ?5)
                ON CONFLICT DO UPDATE SET last_check = ?3, failures = failures + NOT ?4, passed = passed OR ?4, updated = ?5";
            database.execute(sql, params![visitor.0, lesson, verdict.to_string(), passed, now_s()]).map(drop)
        })
        .await
    }

    /// Keeps a row of the outcome table, numbers it, and returns it with its number and time.
    ///
    /// # Errors
    /// The database failed; nothing was changed.
    pub async fn add_outcome(&self, visitor: VisitorId, lesson: String, mut row: Value) -> Result<Value, StoreError> {
        self.ask("saving an outcome", move |database| {
            let change = database.transaction()?;
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
            change.commit()?;
            Ok(row)
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

    async fn ask<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |database| {
            // The asker may have gone away; the work is done all the same.
            _ = reply.send(work(database));
        });
        self.jobs.send(job).map_err(|_| StoreError::Closed)?;
        let result = answer.await.map_err(|_| StoreError::Closed)?;
        result.map_err(|source| StoreError::Database { doing, source })
    }
}

fn migrate(database: &mut Connection) -> Result<(), StoreError> {
    let failed = |source| StoreError::Database { doing: "bringing the tables up to date", source };
    let found: u32 = database.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(failed)?;
    let known = MIGRATIONS.len() as u32;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for (version, migration) in MIGRATIONS.iter().enumerate().skip(found as usize) {
        let change = database.transaction().map_err(failed)?;
        match migration {
            Change::Sql(sql) => change.execute_batch(sql),
            Change::Code(code) => code(&change),
        }
        .map_err(failed)?;
        change.pragma_update(None, "user_version", version as u32 + 1).map_err(failed)?;
        change.commit().map_err(failed)?;
    }
    if found < known {
        // What was replaced is to leave the file as well, not only the log of changes.
        database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).map_err(failed)?;
    }
    Ok(())
}

/// Secrets give way to their hashes.
fn hash_secrets(database: &Connection) -> rusqlite::Result<()> {
    database.execute_batch("ALTER TABLE visitor RENAME COLUMN secret TO secret_hash")?;
    let mut rows = database.prepare("SELECT id, secret_hash FROM visitor")?;
    let visitors = rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    for (id, secret) in visitors.collect::<rusqlite::Result<Vec<_>>>()? {
        database.execute("UPDATE visitor SET secret_hash = ?2 WHERE id = ?1", params![id, hash(&secret)])?;
    }
    Ok(())
}

/// What is kept of a secret: whoever reads the file cannot pass for a visitor. Secrets are 256 random
/// bits, so nothing can be gained by trying, and neither salt nor a slow function is needed.
fn hash(secret: &str) -> String {
    Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The work in a row whose first columns are those of [`Work`], without its outcomes.
fn work_of_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Work> {
    Ok(Work {
        program: row.get(0)?,
        prediction: json(&row.get::<_, String>(1)?),
        steps: json(&row.get::<_, String>(2)?),
        last_check: row.get::<_, Option<String>>(3)?.map(|text| json(&text)),
        failures: row.get(4)?,
        passed: row.get(5)?,
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
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_full_disk_is_told_and_what_was_there_stays() {
        let store = Store::open(None).unwrap();
        let visitor = store.add_visitor("s".into()).await.unwrap();
        let saved = |size| SavedWork { program: Some("x".repeat(size)), ..SavedWork::default() };
        store.save_work(visitor, "lost-update".into(), saved(10)).await.unwrap();
        // SQLite answers a disk without room as it answers this limit.
        store.ask("limiting", |database| database.pragma_update(None, "max_page_count", 20)).await.unwrap();
        let error = store.save_work(visitor, "lost-update".into(), saved(1 << 20)).await.unwrap_err();
        assert!(error.is_disk_full(), "{error:?}");
        assert_eq!(store.work(visitor, "lost-update".into()).await.unwrap().program, saved(10).program);
    }

    #[tokio::test]
    async fn work_comes_back_as_it_was_left() {
        let store = Store::open(None).unwrap();
        let visitor = store.add_visitor("s".into()).await.unwrap();
        assert_eq!(store.find_visitor("s".into()).await.unwrap(), Some(visitor));
        assert_eq!(store.find_visitor("t".into()).await.unwrap(), None);
        assert_eq!(store.work(visitor, "lost-update".into()).await.unwrap(), Work::default());

        let saved = SavedWork {
            program: Some("x = 'é'".into()),
            prediction: json!({"plain":"zero"}),
            steps: json!({"run":true}),
        };
        store.save_work(visitor, "lost-update".into(), saved.clone()).await.unwrap();
        store.save_check(visitor, "lost-update".into(), json!({"passed":false})).await.unwrap();
        let first = store.add_outcome(visitor, "lost-update".into(), json!({"seed":7})).await.unwrap();
        assert_eq!(first["n"], 1);
        store.add_outcome(visitor, "lost-update".into(), json!({"seed":8})).await.unwrap();
        let work = store.work(visitor, "lost-update".into()).await.unwrap();
        assert_eq!((work.program, work.prediction, work.steps), (saved.program, saved.prediction, saved.steps));
        assert_eq!(work.last_check, Some(json!({"passed":false})));
        assert_eq!((work.failures, work.passed), (1, false));
        store.save_check(visitor, "lost-update".into(), json!({"passed":true})).await.unwrap();
        store.save_check(visitor, "lost-update".into(), json!({"passed":false})).await.unwrap();
        let all = store.all_work(visitor).await.unwrap();
        assert_eq!((all.len(), all[0].1.failures, all[0].1.passed), (1, 2, true), "what is passed stays passed");
        assert_eq!(work.outcomes.iter().map(|row| row["n"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2]);

        let other = store.add_visitor("o".into()).await.unwrap();
        assert_eq!(store.work(other, "lost-update".into()).await.unwrap(), Work::default(), "visitors are kept apart");
        store.clear_outcomes(visitor, "lost-update".into()).await.unwrap();
        assert!(store.work(visitor, "lost-update".into()).await.unwrap().outcomes.is_empty());
    }

    #[tokio::test]
    async fn the_outcome_table_is_bounded() {
        let store = Store::open(None).unwrap();
        let visitor = store.add_visitor("s".into()).await.unwrap();
        for seed in 0..OUTCOMES_KEPT + 5 {
            store.add_outcome(visitor, "l".into(), json!({"seed":seed})).await.unwrap();
        }
        let outcomes = store.work(visitor, "l".into()).await.unwrap().outcomes;
        assert_eq!((outcomes.len() as u32, outcomes[0]["seed"].as_u64()), (OUTCOMES_KEPT, Some(5)));
        assert_eq!(outcomes.last().unwrap()["n"], OUTCOMES_KEPT + 5);
    }

    #[tokio::test]
    async fn secrets_of_an_older_database_are_hashed_and_still_known() {
        let folder = tempfile::tempdir().unwrap();
        let secret = "5ec2e7".repeat(10);
        {
            let old = Connection::open(folder.path().join(FILE)).unwrap();
            let Change::Sql(sql) = MIGRATIONS[0] else { unreachable!() };
            old.execute_batch(sql).unwrap();
            old.pragma_update(None, "user_version", 1).unwrap();
            let sql = "INSERT INTO visitor (id, secret, created, seen) VALUES (7, ?1, 0, 0)";
            old.execute(sql, params![secret]).unwrap();
        }
        let store = Store::open(Some(folder.path())).unwrap();
        assert_eq!(store.find_visitor(secret.clone()).await.unwrap(), Some(VisitorId(7)));
        let new = "9e5ec2e7".repeat(8);
        store.add_visitor(new.clone()).await.unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for secret in [&secret, &new] {
                assert!(!bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes()), "{secret} can be read");
            }
        }
    }

    #[test]
    fn a_database_of_the_future_is_left_alone() {
        let mut database = Connection::open_in_memory().unwrap();
        database.pragma_update(None, "user_version", 99).unwrap();
        assert!(matches!(migrate(&mut database), Err(StoreError::Newer { found: 99, .. })));
    }
}
