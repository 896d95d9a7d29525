//! Classes in PostgreSQL. Several processes change them: every change names the revision that it was made from, and one that
//! another process has overtaken changes nothing.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deadpool_postgres::{Object, Transaction};
use serde_json::Value;

use super::super::{ClassStore, OUTCOMES_KEPT, StoreError, VisitorId, Work, json, now_s, of_text, text};
use super::error::failed;
use super::work::add_row;
use super::{Postgres, Values, execute, look, row};
use crate::class::{Class, ClassId, Learner, Progress, Seat, SeatId};

/// Numbers a new class.
const ADD_CLASS: &str = "INSERT INTO class (pin, data) VALUES ($1, $2) RETURNING id";
/// Numbers a new seat.
const ADD_SEAT: &str = "INSERT INTO seat (class, visitor, folded, data) VALUES ($1, $2, $3, $4) RETURNING id";

#[async_trait]
impl ClassStore for Postgres {
    async fn classes(&self) -> Result<Vec<Class>, StoreError> {
        let doing = "reading classes";
        let client = self.client(doing).await?;
        let rows = look(&client, "SELECT id FROM class ORDER BY id", &[]).await.map_err(failed(doing))?;
        let mut classes = Vec::new();
        for row in &rows {
            // One may have been deleted since.
            classes.extend(whole(&client, ClassId(row.get(0))).await.map_err(failed(doing))?);
        }
        Ok(classes)
    }

    async fn add_class(&self, class: &Class) -> Result<ClassId, StoreError> {
        let doing = "starting a class";
        let client = self.client(doing).await?;
        let rows = look(&client, ADD_CLASS, &[&class.pin.digits(), &text(class)]).await.map_err(failed(doing))?;
        rows.first().map(|row| ClassId(row.get(0))).ok_or(StoreError::Outdated)
    }

    async fn save_class(&self, class: &Class) -> Result<i64, StoreError> {
        let doing = "keeping a class";
        let client = self.client(doing).await?;
        let sql = "UPDATE class SET pin = $2, data = $3, revision = revision + 1 WHERE id = $1 AND revision = $4
            RETURNING revision";
        let rows = look(&client, sql, &[&class.id.0, &class.pin.digits(), &text(class), &class.revision]).await;
        rows.map_err(failed(doing))?.first().map(|row| row.get(0)).ok_or(StoreError::Outdated)
    }

    async fn add_seat(&self, class: ClassId, seat: &Seat) -> Result<SeatId, StoreError> {
        let doing = "letting a learner in";
        let client = self.client(doing).await?;
        let rows = look(&client, ADD_SEAT, &[&class.0, &seat.visitor.0, &seat.folded, &text(seat)]).await;
        rows.map_err(failed(doing))?.first().map(|row| SeatId(row.get(0))).ok_or(StoreError::Outdated)
    }

    async fn save_seat(&self, seat: &Seat, lesson: Option<&str>) -> Result<i64, StoreError> {
        let doing = "keeping a learner";
        let mut client = self.client(doing).await?;
        let change = client.transaction().await.map_err(failed(doing))?;
        let sql = "UPDATE seat SET folded = $2, data = $3, revision = revision + 1 WHERE id = $1 AND revision = $4
            RETURNING revision";
        let saved = row(&change, sql, &[&seat.id.0, &seat.folded, &text(seat), &seat.revision]).await;
        let revision = saved.map_err(failed(doing))?.map(|row| row.get(0)).ok_or(StoreError::Outdated)?;
        if let Some((lesson, progress)) = lesson.and_then(|lesson| Some((lesson, seat.work.get(lesson)?))) {
            let sql = "INSERT INTO progress (seat, lesson, data) VALUES ($1, $2, $3)
                ON CONFLICT (seat, lesson) DO UPDATE SET data = $3";
            execute(&change, sql, &[&seat.id.0, &lesson, &text(progress)]).await.map_err(failed(doing))?;
        }
        change.commit().await.map_err(failed(doing))?;
        Ok(revision)
    }

    async fn remove_seat(&self, seat: SeatId) -> Result<(), StoreError> {
        self.forget("removing a learner", None, "id", "DELETE FROM seat WHERE id = $1", seat.0).await
    }

    async fn delete_class(&self, class: ClassId) -> Result<(), StoreError> {
        // Whoever comes in waits for this, and then there is no such class.
        let held = Some("SELECT 1 FROM class WHERE id = $1 FOR UPDATE");
        self.forget("deleting a class", held, "class", "DELETE FROM class WHERE id = $1", class.0).await
    }

    async fn import_class(&self, class: &Class, learners: Vec<Learner>) -> Result<ClassId, StoreError> {
        let doing = "bringing a class in";
        let mut client = self.client(doing).await?;
        let change = client.transaction().await.map_err(failed(doing))?;
        let id = import(&change, class, &learners).await.map_err(failed(doing))?;
        change.commit().await.map_err(failed(doing))?;
        Ok(id)
    }

    async fn sample(&self, class: ClassId, lesson: String, settings: String) -> Result<Vec<Value>, StoreError> {
        let doing = "sampling a class";
        let client = self.client(doing).await?;
        let sql = "SELECT DISTINCT ON (seat.id) outcome.row FROM seat JOIN outcome ON outcome.visitor = seat.visitor
            WHERE seat.class = $1 AND outcome.lesson = $2 AND outcome.program = 'lesson' AND outcome.settings = $3
            ORDER BY seat.id, outcome.id DESC";
        let rows = look(&client, sql, &[&class.0, &lesson, &settings]).await.map_err(failed(doing))?;
        Ok(rows.iter().map(|row| json(row.get(0))).collect())
    }
}

impl Postgres {
    /// Deletes the visitors of the seats in whose `column` this number is, and then what `what` says. Seats are locked first:
    /// whatever is being kept of them is done, and goes too, and nothing is kept of them any more.
    async fn forget(
        &self,
        doing: &'static str,
        hold: Option<&str>,
        column: &str,
        what: &str,
        id: i64,
    ) -> Result<(), StoreError> {
        let mut client = self.client(doing).await?;
        let change = client.transaction().await.map_err(failed(doing))?;
        if let Some(hold) = hold {
            change.execute(hold, &[&id]).await.map_err(failed(doing))?;
        }
        let sql = format!("SELECT visitor FROM seat WHERE {column} = $1 ORDER BY id FOR UPDATE");
        let visitors = change.query(&sql, &[&id]).await.map_err(failed(doing))?;
        let visitors: Vec<i64> = visitors.iter().map(|row| row.get(0)).collect();
        let sql = "DELETE FROM visitor WHERE id = ANY($1)";
        change.execute(sql, &[&visitors]).await.map_err(failed(doing))?;
        change.execute(what, &[&id]).await.map_err(failed(doing))?;
        change.commit().await.map_err(failed(doing))
    }
}

async fn import(
    change: &Transaction<'_>,
    class: &Class,
    learners: &[Learner],
) -> Result<ClassId, tokio_postgres::Error> {
    let class: i64 = change.query_one(ADD_CLASS, &[&class.pin.digits(), &text(class)]).await?.get(0);
    for Learner { seat, progress, work, waiting } in learners {
        let visitor = seat.visitor;
        let id: i64 = change.query_one(ADD_SEAT, &[&class, &visitor.0, &seat.folded, &text(seat)]).await?.get(0);
        for (lesson, progress) in progress {
            let sql = "INSERT INTO progress (seat, lesson, data) VALUES ($1, $2, $3)";
            execute(change, sql, &[&id, lesson, &text(progress)]).await?;
        }
        let sql = "INSERT INTO visitor (id, created, seen) VALUES ($1, $2, $2)";
        execute(change, sql, &[&visitor.0, &now_s()]).await?;
        for (lesson, work) in work {
            keep_work(change, visitor, lesson, work).await?;
        }
        for (lesson, program) in waiting {
            // Nobody was told of it here: whoever finds it runs it.
            let sql = "INSERT INTO waiting_check (visitor, lesson, program, at, process) VALUES ($1, $2, $3, 0, 0)";
            execute(change, sql, &[&visitor.0, lesson, &program.as_bytes()]).await?;
        }
    }
    Ok(ClassId(class))
}

async fn keep_work(
    change: &Transaction<'_>,
    visitor: VisitorId,
    lesson: &str,
    work: &Work,
) -> Result<(), tokio_postgres::Error> {
    let sql =
        "INSERT INTO work (visitor, lesson, program, prediction, steps, last_check, failures, passed, proof, updated)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let program = work.program.as_ref().map(|program| program.as_bytes());
    let (prediction, steps) = (work.prediction.to_string(), work.steps.to_string());
    let check = work.last_check.as_ref().map(ToString::to_string);
    let failures = i32::try_from(work.failures).unwrap_or(i32::MAX);
    let (passed, proof, now) = (work.passed, work.proof.name(), now_s());
    let values: Values<'_> =
        &[&visitor.0, &lesson, &program, &prediction, &steps, &check, &failures, &passed, &proof, &now];
    execute(change, sql, values).await?;
    for outcome in work.outcomes.iter().take(OUTCOMES_KEPT as usize) {
        add_row(change, visitor, lesson, outcome).await?;
    }
    Ok(())
}

/// A class without its learners, as it is now.
pub(super) async fn head(client: &Object, id: ClassId) -> Result<Option<Class>, tokio_postgres::Error> {
    let rows = look(client, "SELECT revision, data FROM class WHERE id = $1", &[&id.0]).await?;
    Ok(rows.first().and_then(|row| head_of_row(row, id)))
}

/// Changes a class, its learners apart, from what there is now, while nobody else changes it; not if `change` says no. Returns
/// what it is then; `None`: there is no such class.
pub(super) async fn change_head(
    client: &mut Object,
    id: ClassId,
    change: impl FnOnce(&mut Class) -> bool + Send,
) -> Result<Option<Class>, tokio_postgres::Error> {
    let held = client.transaction().await?;
    let found = row(&held, "SELECT revision, data FROM class WHERE id = $1 FOR UPDATE", &[&id.0]).await?;
    let Some(mut class) = found.and_then(|row| head_of_row(&row, id)) else { return Ok(None) };
    if change(&mut class) {
        class.revision += 1;
        let sql = "UPDATE class SET pin = $2, data = $3, revision = $4 WHERE id = $1";
        execute(&held, sql, &[&id.0, &class.pin.digits(), &text(&class), &class.revision]).await?;
    }
    held.commit().await?;
    Ok(Some(class))
}

/// A class with its learners, as it is now.
pub(super) async fn whole(client: &Object, id: ClassId) -> Result<Option<Class>, tokio_postgres::Error> {
    let Some(mut class) = head(client, id).await? else { return Ok(None) };
    let ids = look(client, "SELECT id FROM seat WHERE class = $1", &[&id.0]).await?;
    let ids: Vec<SeatId> = ids.iter().map(|row| SeatId(row.get(0))).collect();
    class.seats = seats(client, &ids).await?.into_iter().map(|seat| (seat.id, seat)).collect();
    Ok(Some(class))
}

fn head_of_row(row: &tokio_postgres::Row, id: ClassId) -> Option<Class> {
    let class: Class = of_text(row.get(1), "class", id.0)?;
    Some(Class { id, revision: row.get(0), ..class })
}

/// Learners with how far they are, as they are now.
pub(super) async fn seats(client: &Object, ids: &[SeatId]) -> Result<Vec<Seat>, tokio_postgres::Error> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let sql = "SELECT seat, lesson, data FROM progress WHERE seat = ANY($1)";
    let mut work: BTreeMap<i64, BTreeMap<String, Progress>> = BTreeMap::new();
    for row in look(client, sql, &[&ids]).await? {
        let seat: i64 = row.get(0);
        if let Some(progress) = of_text(row.get(2), "progress", seat) {
            work.entry(seat).or_default().insert(row.get(1), progress);
        }
    }
    let sql = "SELECT id, visitor, revision, data FROM seat WHERE id = ANY($1) ORDER BY id";
    let rows = look(client, sql, &[&ids]).await?;
    let seat = |row: &tokio_postgres::Row| {
        let id: i64 = row.get(0);
        let seat: Seat = of_text(row.get(3), "seat", id)?;
        let work = work.remove(&id).unwrap_or_default();
        Some(Seat { id: SeatId(id), visitor: VisitorId(row.get(1)), revision: row.get(2), work, ..seat })
    };
    Ok(rows.iter().filter_map(seat).collect())
}
