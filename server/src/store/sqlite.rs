//! The database file: SQLite, in one thread of its own.
//!
//! A write is answered after it is on the disk (write-ahead log with `synchronous = FULL`), and after a look whether the file
//! that was written is still the one in the data folder: a deleted folder takes every write and keeps none. Who waits for the
//! disk waits together (`group`).

mod class;
mod file;
mod group;
mod proof;
mod quota;
mod tables;

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

use async_trait::async_trait;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use super::{
    Allowance, Database, KEY_BYTES, OUTCOMES_KEPT, Proof, Quota, SavedWork, StoreError, VisitorId, Work, WorkStore,
    fresh_key, json, now_s,
};
use file::DatabaseFile;
pub(super) use file::is_damage;
use group::{Connected, Job, Kind};

/// The database file in the data folder.
const FILE: &str = "isrlab.sqlite3";

/// A handle to the file's thread.
pub(super) struct Sqlite {
    jobs: mpsc::Sender<Job>,
    key: [u8; KEY_BYTES],
    quota: Quota,
}

impl Sqlite {
    /// Opens the database in `folder`, or one in memory.
    ///
    /// # Errors
    /// The folder cannot be made, or the database is damaged or too new.
    pub(super) fn open(folder: Option<&Path>, quota: Quota) -> Result<Self, StoreError> {
        let path = folder.map(|folder| folder.join(FILE));
        let told = |error: StoreError| match (&path, error) {
            (Some(path), StoreError::Database { source, .. }) if file::is_damage(&source) => {
                StoreError::Damaged { path: path.clone(), finding: source.to_string() }
            }
            (_, error) => error,
        };
        let (connection, key) = Self::connect(folder, path.as_deref(), quota).map_err(told)?;
        let file = path.map(DatabaseFile::seen).transpose()?;
        let database = Connected { connection, file, removed: HashSet::new() };
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
        work: impl FnOnce(&mut Connected) -> Result<T, StoreError> + Send + 'static,
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

impl Database for Sqlite {
    fn key(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }
}

#[async_trait]
impl WorkStore for Sqlite {
    async fn find_visitor(&self, secret: String) -> Result<Option<VisitorId>, StoreError> {
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

    async fn work(&self, visitor: VisitorId, lesson: String) -> Result<Work, StoreError> {
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

    async fn all_work(&self, visitor: VisitorId) -> Result<Vec<(String, Work)>, StoreError> {
        self.ask("reading a visitor's work", move |database| {
            let sql =
                "SELECT program, prediction, steps, last_check, failures, passed, proof, lesson FROM work WHERE visitor = ?1 ORDER BY lesson";
            let mut rows = database.prepare_cached(sql)?;
            rows.query_map(params![visitor.0], |row| Ok((file::text(row, 7)?, work_of_row(row)?)))?
            .collect()
        })
        .await
    }

    async fn save_work(
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

    async fn save_check(&self, visitor: VisitorId, lesson: String, verdict: Value) -> Result<(), StoreError> {
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

    async fn add_outcome(&self, visitor: VisitorId, lesson: String, mut row: Value) -> Result<Value, StoreError> {
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

    async fn clear_outcomes(&self, visitor: VisitorId, lesson: String) -> Result<(), StoreError> {
        self.ask("clearing outcomes", move |database| {
            let sql = "DELETE FROM outcome WHERE visitor = ?1 AND lesson = ?2";
            database.execute(sql, params![visitor.0, lesson]).map(drop)
        })
        .await
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
    let key = fresh_key()?;
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

#[cfg(test)]
mod tests;
