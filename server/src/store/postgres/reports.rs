//! Reported checks in PostgreSQL. Whoever was told of one runs it again, so that the learner's page, which is there, hears of
//! it; one that is left lying, since that process has ended, is anybody's.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;
use tokio_postgres::Row;

use super::super::{Allowance, Proof, ReportStore, StoreError, VisitorId, WaitingCheck, now_s};
use super::error::failed;
use super::{Postgres, Values, execute, look, row};

/// A report that has waited for so long is run by whoever finds it.
const LEFT_LYING_S: i64 = 60;

#[async_trait]
impl ReportStore for Postgres {
    async fn report_check(
        &self,
        report: WaitingCheck,
        verdict: Value,
        allowed: Allowance,
    ) -> Result<Proof, StoreError> {
        let doing = "keeping a reported verdict";
        let WaitingCheck { visitor, lesson, program } = report;
        let passed = verdict["passed"].as_bool().unwrap_or(false);
        let (verdict, program) = (verdict.to_string(), program.into_bytes());
        let mut client = self.client(doing).await?;
        let change = self.begin_keeping(&mut client, doing, visitor, verdict.len() + program.len()).await?;
        let sql = "INSERT INTO work (visitor, lesson, last_check, failures, passed, proof, updated)
            VALUES ($1, $2, $3, (NOT $4::BOOLEAN)::INTEGER, $4, CASE WHEN $4 THEN 'reported' ELSE 'none' END, $5)
            ON CONFLICT (visitor, lesson) DO UPDATE SET last_check = $3, failures = LEAST(work.failures, 1000000000) + (NOT $4)::INTEGER,
                passed = work.passed OR $4, updated = $5,
                proof = CASE WHEN $4 AND work.proof != 'verified' THEN 'reported' ELSE work.proof END
            RETURNING proof";
        let proof = row(&change, sql, &[&visitor.0, &lesson, &verdict, &passed, &now_s()]).await;
        let proof = proof.map_err(failed(doing))?.map(proof_of_row).unwrap_or_default();
        if passed && proof != Proof::Verified {
            let sql = "SELECT COALESCE(SUM(octet_length(program)), 0)::BIGINT FROM waiting_check
                WHERE visitor = $1 AND lesson != $2";
            let others = row(&change, sql, &[&visitor.0, &lesson]).await.map_err(failed(doing))?;
            let others = others.map_or(0, |row| row.get::<_, i64>(0)).cast_unsigned();
            let size = program.len() as u64;
            if others + size > self.quota.visitor_bytes || !allowed(size) {
                return Err(StoreError::TooMuch);
            }
            let sql = "INSERT INTO waiting_check (visitor, lesson, program, at, process)
                VALUES ($1, $2, $3, EXTRACT(EPOCH FROM now()), $4)
                ON CONFLICT (visitor, lesson) DO UPDATE SET program = $3, at = EXCLUDED.at, process = $4";
            let process = self.others.process();
            execute(&change, sql, &[&visitor.0, &lesson, &program, &process]).await.map_err(failed(doing))?;
        }
        change.commit().await.map_err(failed(doing))?;
        Ok(proof)
    }

    async fn waiting_check(&self) -> Result<Option<WaitingCheck>, StoreError> {
        let doing = "looking for a reported check";
        let client = self.client(doing).await?;
        // One that is left lying is taken over in the same step, so that two processes do not run it.
        let sql = "UPDATE waiting_check SET process = $1,
                at = CASE WHEN process = $1 THEN at ELSE EXTRACT(EPOCH FROM now()) END
            WHERE (visitor, lesson) = (SELECT visitor, lesson FROM waiting_check
                WHERE process = $1 OR at < EXTRACT(EPOCH FROM now()) - $2::BIGINT
                ORDER BY at LIMIT 1 FOR UPDATE SKIP LOCKED)
            RETURNING visitor, lesson, program";
        let process = self.others.process();
        let rows = look(&client, sql, &[&process, &LEFT_LYING_S]).await.map_err(failed(doing))?;
        Ok(rows.first().map(|row| WaitingCheck {
            visitor: VisitorId(row.get(0)),
            lesson: row.get(1),
            program: program(row, 2),
        }))
    }

    async fn waiting_programs(&self, visitor: VisitorId) -> Result<BTreeMap<String, String>, StoreError> {
        let doing = "looking for reported checks";
        let client = self.client(doing).await?;
        let sql = "SELECT lesson, program FROM waiting_check WHERE visitor = $1";
        let rows = look(&client, sql, &[&visitor.0]).await.map_err(failed(doing))?;
        Ok(rows.iter().map(|row| (row.get(0), program(row, 1))).collect())
    }

    async fn settle_check(&self, check: WaitingCheck, passed: Option<bool>) -> Result<Option<Proof>, StoreError> {
        let doing = "keeping what a second run came to";
        let WaitingCheck { visitor, lesson, program } = check;
        let mut client = self.client(doing).await?;
        let change = self.begin_keeping(&mut client, doing, visitor, 0).await?;
        let sql = "DELETE FROM waiting_check WHERE visitor = $1 AND lesson = $2 AND program = $3";
        let values: Values<'_> = &[&visitor.0, &lesson, &program.as_bytes()];
        if execute(&change, sql, values).await.map_err(failed(doing))? == 0 {
            change.commit().await.map_err(failed(doing))?;
            return Ok(None);
        }
        // What the server itself has seen pass meanwhile stays.
        let sql = "UPDATE work SET
                passed = CASE WHEN proof = 'reported' AND NOT $3::BOOLEAN THEN false ELSE passed END,
                proof = CASE WHEN proof != 'reported' OR $3 IS NULL THEN proof WHEN $3 THEN 'verified' ELSE 'refused' END
            WHERE visitor = $1 AND lesson = $2 RETURNING proof";
        let proof = row(&change, sql, &[&visitor.0, &lesson, &passed]).await.map_err(failed(doing))?;
        change.commit().await.map_err(failed(doing))?;
        Ok(proof.map(proof_of_row))
    }
}

fn proof_of_row(row: Row) -> Proof {
    Proof::from_name(row.get(0))
}

fn program(row: &Row, column: usize) -> String {
    String::from_utf8_lossy(row.get(column)).into_owned()
}
