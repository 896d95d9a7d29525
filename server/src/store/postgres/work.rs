//! What visitors save, in PostgreSQL.

use async_trait::async_trait;
use deadpool_postgres::{Object, Transaction};
use serde_json::Value;
use tokio_postgres::Row;

use super::super::{
    Allowance, OUTCOMES_KEPT, Proof, Quota, SavedWork, StoreError, VisitorId, Work, WorkStore, json, now_s,
};
use super::error::failed;
use super::{Postgres, Values, execute, look, row};

/// The bytes of work in a row.
const SIZE: &str = "COALESCE(octet_length(program), 0) + octet_length(prediction) + octet_length(steps)";
/// The columns that [`work_of_row`] reads.
const COLUMNS: &str = "program, prediction, steps, last_check, failures, passed, proof";

#[async_trait]
impl WorkStore for Postgres {
    async fn find_visitor(&self, _secret: String) -> Result<Option<VisitorId>, StoreError> {
        // Secrets that do not prove themselves are older than this database.
        Ok(None)
    }

    async fn work(&self, visitor: VisitorId, lesson: String) -> Result<Work, StoreError> {
        let doing = "reading a visitor's work";
        let client = self.client(doing).await?;
        let sql = format!("SELECT {COLUMNS} FROM work WHERE visitor = $1 AND lesson = $2");
        let found = look(&client, &sql, &[&visitor.0, &lesson]).await.map_err(failed(doing))?;
        let mut work = found.first().map(work_of_row).unwrap_or_default();
        let sql = "SELECT row FROM outcome WHERE visitor = $1 AND lesson = $2 ORDER BY id";
        let rows = look(&client, sql, &[&visitor.0, &lesson]).await.map_err(failed(doing))?;
        work.outcomes = rows.iter().map(|row| json(row.get(0))).collect();
        Ok(work)
    }

    async fn all_work(&self, visitor: VisitorId) -> Result<Vec<(String, Work)>, StoreError> {
        let doing = "reading a visitor's work";
        let client = self.client(doing).await?;
        let sql = format!("SELECT {COLUMNS}, lesson FROM work WHERE visitor = $1 ORDER BY lesson COLLATE \"C\"");
        let rows = look(&client, &sql, &[&visitor.0]).await.map_err(failed(doing))?;
        Ok(rows.iter().map(|row| (row.get("lesson"), work_of_row(row))).collect())
    }

    async fn save_work(
        &self,
        visitor: VisitorId,
        lesson: String,
        work: SavedWork,
        allowed: Allowance,
    ) -> Result<(), StoreError> {
        let doing = "saving a visitor's work";
        let program = work.program.map(String::into_bytes);
        let (prediction, steps) = (work.prediction.to_string(), work.steps.to_string());
        let size = program.as_ref().map_or(0, Vec::len) + prediction.len() + steps.len();
        let mut client = self.client(doing).await?;
        // Whoever makes it smaller is never refused.
        let grows = size > kept_size(&client, visitor, &lesson).await.map_err(failed(doing))?;
        let change = self.begin_keeping(&mut client, doing, visitor, if grows { size } else { 0 }).await?;
        if !has_share(&change, self.quota, visitor, &lesson, size as u64, allowed).await.map_err(failed(doing))? {
            return Err(StoreError::TooMuch);
        }
        let sql =
            "INSERT INTO work (visitor, lesson, program, prediction, steps, updated) VALUES ($1, $2, $3, $4, $5, $6)
            ON CONFLICT (visitor, lesson) DO UPDATE SET program = $3, prediction = $4, steps = $5, updated = $6";
        let values: Values<'_> = &[&visitor.0, &lesson, &program, &prediction, &steps, &now_s()];
        execute(&change, sql, values).await.map_err(failed(doing))?;
        change.commit().await.map_err(failed(doing))
    }

    async fn save_check(&self, visitor: VisitorId, lesson: String, verdict: Value) -> Result<(), StoreError> {
        let doing = "saving a verdict";
        let passed = verdict["passed"].as_bool().unwrap_or(false);
        let verdict = verdict.to_string();
        let mut client = self.client(doing).await?;
        let change = self.begin_keeping(&mut client, doing, visitor, verdict.len()).await?;
        let sql = "INSERT INTO work (visitor, lesson, last_check, failures, passed, proof, updated)
            VALUES ($1, $2, $3, (NOT $4::BOOLEAN)::INTEGER, $4, CASE WHEN $4 THEN 'verified' ELSE 'none' END, $5)
            ON CONFLICT (visitor, lesson) DO UPDATE SET last_check = $3, failures = LEAST(work.failures, 1000000000) + (NOT $4)::INTEGER,
                passed = work.passed OR $4, updated = $5, proof = CASE WHEN $4 THEN 'verified' ELSE work.proof END";
        execute(&change, sql, &[&visitor.0, &lesson, &verdict, &passed, &now_s()]).await.map_err(failed(doing))?;
        change.commit().await.map_err(failed(doing))
    }

    async fn add_outcome(&self, visitor: VisitorId, lesson: String, mut outcome: Value) -> Result<Value, StoreError> {
        let doing = "saving an outcome";
        let mut client = self.client(doing).await?;
        let change = self.begin_keeping(&mut client, doing, visitor, outcome.to_string().len()).await?;
        // The visitor's row is locked, so that nobody else numbers at the same time.
        let sql = "SELECT COALESCE(MAX(number), 0) + 1 FROM outcome WHERE visitor = $1 AND lesson = $2";
        let number = row(&change, sql, &[&visitor.0, &lesson]).await.map_err(failed(doing))?;
        outcome["n"] = number.map_or(1, |row| row.get::<_, i64>(0)).into();
        outcome["at"] = now_s().into();
        add_row(&change, visitor, &lesson, &outcome).await.map_err(failed(doing))?;
        let sql = "DELETE FROM outcome WHERE visitor = $1 AND lesson = $2 AND id NOT IN
            (SELECT id FROM outcome WHERE visitor = $1 AND lesson = $2 ORDER BY id DESC LIMIT $3)";
        let kept = i64::from(OUTCOMES_KEPT);
        execute(&change, sql, &[&visitor.0, &lesson, &kept]).await.map_err(failed(doing))?;
        change.commit().await.map_err(failed(doing))?;
        Ok(outcome)
    }

    async fn clear_outcomes(&self, visitor: VisitorId, lesson: String) -> Result<(), StoreError> {
        let doing = "clearing outcomes";
        let client = self.client(doing).await?;
        let sql = "DELETE FROM outcome WHERE visitor = $1 AND lesson = $2";
        client.execute(sql, &[&visitor.0, &lesson]).await.map(drop).map_err(failed(doing))
    }
}

/// How many bytes of work a visitor has kept of a lesson.
async fn kept_size(client: &Object, visitor: VisitorId, lesson: &str) -> Result<usize, tokio_postgres::Error> {
    let sql = format!("SELECT {SIZE} FROM work WHERE visitor = $1 AND lesson = $2");
    let rows = look(client, &sql, &[&visitor.0, &lesson]).await?;
    Ok(rows.first().map_or(0, |row| usize::try_from(row.get::<_, i32>(0)).unwrap_or(0)))
}

/// Adds a row to the outcome table, with what is looked for in columns of its own.
pub(super) async fn add_row(
    change: &Transaction<'_>,
    visitor: VisitorId,
    lesson: &str,
    outcome: &Value,
) -> Result<(), tokio_postgres::Error> {
    let (number, at) = (outcome["n"].as_i64().unwrap_or(0), outcome["at"].as_i64().unwrap_or_else(now_s));
    let program = outcome["program"].as_str().unwrap_or_default().replace('\0', "");
    let sql =
        "INSERT INTO outcome (visitor, lesson, at, number, program, settings, row) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (settings, text) = (outcome["settings"].to_string(), outcome.to_string());
    execute(change, sql, &[&visitor.0, &lesson, &at, &number, &program, &settings, &text]).await.map(drop)
}

/// Whether a visitor may keep `size` bytes of work on a lesson in the place of what is there.
async fn has_share(
    change: &Transaction<'_>,
    quota: Quota,
    visitor: VisitorId,
    lesson: &str,
    size: u64,
    allowed: Allowance,
) -> Result<bool, tokio_postgres::Error> {
    let sql = format!(
        "SELECT COALESCE(SUM(size) FILTER (WHERE lesson = $2), 0)::BIGINT, COALESCE(SUM(size), 0)::BIGINT
            FROM (SELECT lesson, {SIZE} AS size FROM work WHERE visitor = $1) AS sizes"
    );
    let sizes = row(change, &sql, &[&visitor.0, &lesson]).await?;
    let (before, all) = sizes.map_or((0, 0), |row| (row.get::<_, i64>(0), row.get::<_, i64>(1)));
    let (before, all) = (before.cast_unsigned(), all.cast_unsigned());
    // Whoever makes it smaller is never refused.
    Ok(size <= before || (all - before + size <= quota.visitor_bytes && allowed(size - before)))
}

/// The work in a row with [`COLUMNS`], without its outcomes.
fn work_of_row(row: &Row) -> Work {
    Work {
        program: row.get::<_, Option<&[u8]>>(0).map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
        prediction: json(row.get(1)),
        steps: json(row.get(2)),
        last_check: row.get::<_, Option<&str>>(3).map(json),
        failures: row.get::<_, i32>(4).unsigned_abs(),
        passed: row.get(5),
        proof: Proof::from_name(row.get(6)),
        outcomes: Vec::new(),
    }
}
