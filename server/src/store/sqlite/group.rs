//! One commit for all who wait. A commit waits for the disk, and a class saves all at once: whatever has come in meanwhile is
//! done in one transaction, and everybody is answered when that is on the disk. A job that fails takes nothing of the
//! others with it; should the whole transaction fail, everybody is told, and jobs are done singly for a while.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::mpsc;

use rusqlite::{Connection, ffi};

use super::super::{StoreError, VisitorId};
use super::file::DatabaseFile;

/// So many jobs share a commit at most.
const GROUP: usize = 64;
/// After a failed commit, so many jobs have one each: one that fills the file up is to fail alone.
const SINGLY: usize = 256;

/// What a job does to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only looks.
    Looks,
    /// It is answered after it is on the disk.
    Keeps,
    /// It ends what it does by itself, in no transaction with others.
    Alone,
}

/// Answers whoever asked; is given what became of the commit where that failed.
type Tell = Box<dyn FnOnce(Option<StoreError>)>;

/// Something to do.
pub(super) struct Job {
    kind: Kind,
    work: Box<dyn FnOnce(&mut Connected) -> Tell + Send>,
}

impl Job {
    /// `tell` hears what came of the work, once it is certain.
    pub(super) fn new<T: 'static>(
        kind: Kind,
        work: impl FnOnce(&mut Connected) -> Result<T, StoreError> + Send + 'static,
        tell: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) -> Self {
        let work = move |database: &mut Connected| -> Tell {
            let done = work(database);
            Box::new(move |lost| tell(done.and_then(|done| lost.map_or(Ok(done), Err))))
        };
        Self { kind, work: Box::new(work) }
    }
}

/// The database, as its thread has it.
pub(super) struct Connected {
    pub(super) connection: Connection,
    /// `None` in memory.
    pub(super) file: Option<DatabaseFile>,
    /// Learners who were removed since this process began. Whatever of theirs was under way then, such as a check, is not
    /// kept: else it would make a new row of somebody who was deleted.
    pub(super) removed: HashSet<VisitorId>,
}

/// Why a whole group was not kept.
enum Lost {
    Failed(rusqlite::Error),
    Gone(PathBuf),
}

impl Lost {
    /// The same for one more of the group.
    fn error(&self) -> StoreError {
        match self {
            Self::Failed(error) => {
                let (code, message) = match error {
                    rusqlite::Error::SqliteFailure(code, message) => (*code, message.clone()),
                    other => (ffi::Error::new(ffi::SQLITE_ERROR), Some(other.to_string())),
                };
                let source = rusqlite::Error::SqliteFailure(code, message);
                StoreError::Database { doing: "committing", source }
            }
            Self::Gone(path) => StoreError::Gone(path.clone()),
        }
    }
}

impl Connected {
    /// Whether the file that is written is the one in the data folder.
    pub(super) fn still_there(&self) -> Result<(), StoreError> {
        self.file.as_ref().map_or(Ok(()), DatabaseFile::still_there)
    }

    /// Carries out a change that is no visitor's. When the commit of its group is answered, the change is in the file that is
    /// in the data folder.
    pub(super) fn change<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let failed = |source| StoreError::Database { doing, source };
        self.still_there()?;
        let change = self.connection.savepoint().map_err(failed)?;
        let kept = work(&change).map_err(failed)?;
        change.commit().map_err(failed)?;
        self.still_there()?;
        Ok(kept)
    }

    /// Does what is asked, until nobody is left who could ask.
    pub(super) fn serve(mut self, waiting: &mpsc::Receiver<Job>) {
        let mut next = None;
        let mut singly = 0_usize;
        while let Some(first) = next.take().or_else(|| waiting.recv().ok()) {
            if first.kind == Kind::Alone {
                (first.work)(&mut self)(None);
                continue;
            }
            let mut group = vec![first];
            while singly == 0 && group.len() < GROUP && next.is_none() {
                match waiting.try_recv() {
                    Ok(alone) if alone.kind == Kind::Alone => next = Some(alone),
                    Ok(job) => group.push(job),
                    Err(_) => break,
                }
            }
            singly = singly.saturating_sub(group.len());
            if self.commit(group).is_err() {
                singly = SINGLY;
            }
        }
    }

    /// Does jobs in one transaction and answers them.
    fn commit(&mut self, group: Vec<Job>) -> Result<(), Lost> {
        let keeps = group.iter().any(|job| job.kind == Kind::Keeps);
        let mut tell = Vec::with_capacity(group.len());
        let mut lost = self.connection.execute_batch("BEGIN").map_err(Lost::Failed);
        let mut lost_jobs = 0;
        for job in group {
            tell.push((job.kind, (job.work)(self)));
            // Some failures, such as a full disk, end the transaction with everything that was done in it. Whoever comes
            // behind has a commit each.
            if lost.is_ok() && self.connection.is_autocommit() {
                lost = Err(Lost::Failed(rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_FULL), None)));
                lost_jobs = tell.len();
            }
        }
        if lost.is_ok() {
            lost = self.connection.execute_batch("COMMIT").map_err(Lost::Failed);
            lost_jobs = tell.len();
        }
        if !self.connection.is_autocommit() {
            // It has failed already, and that is what is told.
            _ = self.connection.execute_batch("ROLLBACK");
        }
        if lost.is_ok()
            && keeps
            && let Err(StoreError::Gone(path)) = self.still_there()
        {
            lost = Err(Lost::Gone(path));
        }
        for (at, (kind, tell)) in tell.into_iter().enumerate() {
            tell(match &lost {
                // Whoever only looks has what there was.
                Err(Lost::Gone(_)) if kind == Kind::Looks => None,
                Err(lost) if at < lost_jobs => Some(lost.error()),
                _ => None,
            });
        }
        lost
    }
}
