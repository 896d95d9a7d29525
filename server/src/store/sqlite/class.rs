//! Classes in SQLite. The file is one process's alone, so that nothing can be outdated.
//!
//! A class, a seat and the progress in a lesson are a row each, with what is looked for in columns of its own and the rest as
//! JSON, so that a field more needs no change of the tables. A learner's programs, answers and outcomes are those of a
//! visitor whom no cookie leads to.

use async_trait::async_trait;
use rusqlite::{Connection, params};
use serde_json::Value;

use super::super::{ClassStore, OUTCOMES_KEPT, StoreError, VisitorId, Work, json, now_s, of_text, text};
use super::group::Kind;
use super::{Sqlite, file};
use crate::class::{Class, ClassId, Learner, Progress, Seat, SeatId};

pub(super) const TABLES: &str = "
    CREATE TABLE class (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        pin TEXT NOT NULL UNIQUE,
        data TEXT NOT NULL
    );
    CREATE TABLE seat (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        class INTEGER NOT NULL REFERENCES class(id) ON DELETE CASCADE,
        visitor INTEGER NOT NULL UNIQUE,
        folded TEXT NOT NULL,
        data TEXT NOT NULL,
        UNIQUE (class, folded)
    );
    CREATE TABLE progress (
        seat INTEGER NOT NULL REFERENCES seat(id) ON DELETE CASCADE,
        lesson TEXT NOT NULL,
        data TEXT NOT NULL,
        PRIMARY KEY (seat, lesson)
    ) WITHOUT ROWID;
";

/// Nobody else changes the file, so that nothing is counted.
const NO_REVISION: i64 = 0;

#[async_trait]
impl ClassStore for Sqlite {
    async fn classes(&self) -> Result<Vec<Class>, StoreError> {
        self.ask("reading classes", |database| read_all(database)).await
    }

    async fn add_class(&self, class: &Class) -> Result<ClassId, StoreError> {
        let (pin, data) = (class.pin.digits().to_owned(), text(class));
        self.change("starting a class", move |change| {
            change.execute("INSERT INTO class (pin, data) VALUES (?1, ?2)", params![pin, data])?;
            Ok(ClassId(change.last_insert_rowid()))
        })
        .await
    }

    async fn save_class(&self, class: &Class) -> Result<i64, StoreError> {
        let (id, pin, data) = (class.id.0, class.pin.digits().to_owned(), text(class));
        self.change("keeping a class", move |change| {
            change.execute("UPDATE class SET pin = ?2, data = ?3 WHERE id = ?1", params![id, pin, data])?;
            Ok(NO_REVISION)
        })
        .await
    }

    async fn add_seat(&self, class: ClassId, seat: &Seat) -> Result<SeatId, StoreError> {
        let (visitor, folded, data) = (seat.visitor.0, seat.folded.clone(), text(seat));
        self.change("letting a learner in", move |change| {
            let sql = "INSERT INTO seat (class, visitor, folded, data) VALUES (?1, ?2, ?3, ?4)";
            change.execute(sql, params![class.0, visitor, folded, data])?;
            Ok(SeatId(change.last_insert_rowid()))
        })
        .await
    }

    async fn save_seat(&self, seat: &Seat, lesson: Option<&str>) -> Result<i64, StoreError> {
        let (id, folded, data) = (seat.id.0, seat.folded.clone(), text(seat));
        let progress = lesson.and_then(|lesson| Some((lesson.to_owned(), text(seat.work.get(lesson)?))));
        self.change("keeping a learner", move |change| {
            change.execute("UPDATE seat SET folded = ?2, data = ?3 WHERE id = ?1", params![id, folded, data])?;
            if let Some((lesson, data)) = progress {
                let sql =
                    "INSERT INTO progress (seat, lesson, data) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET data = ?3";
                change.execute(sql, params![id, lesson, data])?;
            }
            Ok(NO_REVISION)
        })
        .await
    }

    async fn remove_seat(&self, seat: SeatId) -> Result<(), StoreError> {
        self.forget(
            "removing a learner",
            "SELECT visitor FROM seat WHERE id = ?1",
            "DELETE FROM seat WHERE id = ?1",
            seat.0,
        )
        .await
    }

    async fn delete_class(&self, class: ClassId) -> Result<(), StoreError> {
        self.forget(
            "deleting a class",
            "SELECT visitor FROM seat WHERE class = ?1",
            "DELETE FROM class WHERE id = ?1",
            class.0,
        )
        .await
    }

    async fn import_class(&self, class: &Class, learners: Vec<Learner>) -> Result<ClassId, StoreError> {
        let (pin, data) = (class.pin.digits().to_owned(), text(class));
        self.change("bringing a class in", move |change| {
            change.execute("INSERT INTO class (pin, data) VALUES (?1, ?2)", params![pin, data])?;
            let class = change.last_insert_rowid();
            for Learner { seat, progress, work, waiting } in &learners {
                let sql = "INSERT INTO seat (class, visitor, folded, data) VALUES (?1, ?2, ?3, ?4)";
                change.execute(sql, params![class, seat.visitor.0, seat.folded, text(seat)])?;
                let id = change.last_insert_rowid();
                for (lesson, progress) in progress {
                    let sql = "INSERT INTO progress (seat, lesson, data) VALUES (?1, ?2, ?3)";
                    change.execute(sql, params![id, lesson, text(progress)])?;
                }
                let sql = "INSERT INTO visitor (id, secret_hash, created, seen) VALUES (?1, 'minted ' || ?1, ?2, ?2)";
                change.execute(sql, params![seat.visitor.0, now_s()])?;
                for (lesson, work) in work {
                    keep_work(change, seat.visitor, lesson, work)?;
                }
                for (lesson, program) in waiting {
                    let sql = "INSERT INTO waiting_check (visitor, lesson, program, at) VALUES (?1, ?2, ?3, ?4)";
                    change.execute(sql, params![seat.visitor.0, lesson, program, now_s()])?;
                }
            }
            Ok(ClassId(class))
        })
        .await
    }

    async fn sample(&self, class: ClassId, lesson: String, settings: String) -> Result<Vec<Value>, StoreError> {
        self.ask("sampling a class", move |database| {
            // Beside a MAX, SQLite takes the other columns from the row that has it.
            let sql = "SELECT MAX(outcome.id), outcome.row FROM seat JOIN outcome ON outcome.visitor = seat.visitor
                WHERE seat.class = ?1 AND outcome.lesson = ?2 AND json_extract(outcome.row, '$.program') = 'lesson'
                    AND json_extract(outcome.row, '$.settings') = ?3
                GROUP BY seat.id ORDER BY seat.id";
            let mut rows = database.prepare_cached(sql)?;
            let rows = rows.query_map(params![class.0, lesson, settings], |row| file::text(row, 1))?;
            rows.map(|row| Ok(json(&row?))).collect()
        })
        .await
    }
}

impl Sqlite {
    /// Deletes the visitors whom `whose` names and then what `what` says, both of them by `id`. Nothing of these visitors is
    /// kept any more, whatever of theirs is under way.
    async fn forget(
        &self,
        doing: &'static str,
        whose: &'static str,
        what: &'static str,
        id: i64,
    ) -> Result<(), StoreError> {
        self.job(doing, Kind::Alone, move |database| {
            let removed = database.change(doing, |change| {
                let mut seats = change.prepare(whose)?;
                let visitors: Vec<VisitorId> =
                    seats.query_map(params![id], |row| row.get(0).map(VisitorId))?.collect::<Result<_, _>>()?;
                for visitor in &visitors {
                    change.execute("DELETE FROM visitor WHERE id = ?1", params![visitor.0])?;
                }
                change.execute(what, params![id])?;
                Ok(visitors)
            })?;
            database.removed.extend(removed);
            Ok(())
        })
        .await?;
        self.leave_nothing().await
    }

    /// Freed pages are overwritten (`secure_delete`); the log of changes has to follow.
    async fn leave_nothing(&self) -> Result<(), StoreError> {
        let doing = "emptying the log";
        self.job(doing, Kind::Alone, move |database| {
            let emptied = database.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            emptied.map_err(|source| StoreError::Database { doing, source })
        })
        .await
    }
}

fn keep_work(change: &Connection, visitor: VisitorId, lesson: &str, work: &Work) -> rusqlite::Result<()> {
    let sql =
        "INSERT INTO work (visitor, lesson, program, prediction, steps, last_check, failures, passed, proof, updated)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let (prediction, steps) = (work.prediction.to_string(), work.steps.to_string());
    let check = work.last_check.as_ref().map(ToString::to_string);
    let (failures, passed, proof) = (work.failures, work.passed, work.proof.name());
    let values = params![visitor.0, lesson, work.program, prediction, steps, check, failures, passed, proof, now_s()];
    change.execute(sql, values)?;
    for row in work.outcomes.iter().take(OUTCOMES_KEPT as usize) {
        let sql = "INSERT INTO outcome (visitor, lesson, at, row) VALUES (?1, ?2, ?3, ?4)";
        change.execute(sql, params![visitor.0, lesson, row["at"].as_i64().unwrap_or_else(now_s), row.to_string()])?;
    }
    Ok(())
}

fn read_all(database: &Connection) -> rusqlite::Result<Vec<Class>> {
    let mut classes = Vec::new();
    let mut rows = database.prepare("SELECT id, data FROM class ORDER BY id")?;
    for row in rows.query_map([], |row| Ok((row.get::<_, i64>(0)?, file::text(row, 1)?)))? {
        let (id, data) = row?;
        let Some(mut class) = of_text::<Class>(&data, "class", id) else { continue };
        class.id = ClassId(id);
        let mut seats = database.prepare_cached("SELECT id, visitor, data FROM seat WHERE class = ?1")?;
        for row in seats.query_map(params![id], |row| Ok((row.get(0)?, row.get(1)?, file::text(row, 2)?)))? {
            let (id, visitor, data): (i64, i64, String) = row?;
            let Some(mut seat) = of_text::<Seat>(&data, "seat", id) else { continue };
            (seat.id, seat.visitor) = (SeatId(id), VisitorId(visitor));
            let mut work = database.prepare_cached("SELECT lesson, data FROM progress WHERE seat = ?1")?;
            for row in work.query_map(params![id], |row| Ok((file::text(row, 0)?, file::text(row, 1)?)))? {
                let (lesson, data) = row?;
                if let Some(progress) = of_text::<Progress>(&data, "progress", id) {
                    seat.work.insert(lesson, progress);
                }
            }
            class.seats.insert(seat.id, seat);
        }
        classes.push(class);
    }
    Ok(classes)
}
