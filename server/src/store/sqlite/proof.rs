//! Reported checks in SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;
use rusqlite::{OptionalExtension, params};
use serde_json::Value;

use super::super::{Allowance, Proof, ReportStore, StoreError, VisitorId, WaitingCheck, now_s};
use super::{Kept, Sqlite, file};

/// Where the programs wait that are to be run again, one for each visitor and lesson; and what is known of each lesson.
/// What passed before there were reports was seen by the server.
pub(super) const TABLES: &str = "
    ALTER TABLE work ADD COLUMN proof TEXT NOT NULL DEFAULT 'none';
    UPDATE work SET proof = 'verified' WHERE passed;
    CREATE TABLE waiting_check (
        visitor INTEGER NOT NULL REFERENCES visitor(id) ON DELETE CASCADE,
        lesson TEXT NOT NULL,
        program TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (visitor, lesson)
    ) WITHOUT ROWID;
";

#[async_trait]
impl ReportStore for Sqlite {
    async fn report_check(
        &self,
        report: WaitingCheck,
        verdict: Value,
        allowed: Allowance,
    ) -> Result<Proof, StoreError> {
        let most = self.quota.visitor_bytes;
        let visitor = report.visitor;
        self.keep("keeping a reported verdict", visitor, move |change| {
            let WaitingCheck { lesson, program, .. } = report;
            let passed = verdict["passed"].as_bool().unwrap_or(false);
            let sql = "INSERT INTO work (visitor, lesson, last_check, failures, passed, proof, updated)
                VALUES (?1, ?2, ?3, NOT ?4, ?4, CASE WHEN ?4 THEN 'reported' ELSE 'none' END, ?5)
                ON CONFLICT DO UPDATE SET last_check = ?3, failures = failures + NOT ?4, passed = passed OR ?4, updated = ?5,
                    proof = CASE WHEN ?4 AND proof != 'verified' THEN 'reported' ELSE proof END
                RETURNING proof";
            let values = params![visitor.0, lesson, verdict.to_string(), passed, now_s()];
            let proof = change.query_row(sql, values, |row| file::text(row, 0).map(|name| Proof::from_name(&name)))?;
            if !passed || proof == Proof::Verified {
                return Ok(Kept::Done(proof));
            }
            let sql = "SELECT COALESCE(SUM(LENGTH(CAST(program AS BLOB))), 0) FROM waiting_check WHERE visitor = ?1 AND lesson != ?2";
            let others: i64 = change.query_row(sql, params![visitor.0, lesson], |row| row.get(0))?;
            let size = program.len() as u64;
            if others.cast_unsigned() + size > most || !allowed(size) {
                return Ok(Kept::TooMuch);
            }
            let sql = "INSERT INTO waiting_check (visitor, lesson, program, at) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT DO UPDATE SET program = ?3, at = ?4";
            change.execute(sql, params![visitor.0, lesson, program, now_s()])?;
            Ok(Kept::Done(proof))
        })
        .await
    }

    async fn waiting_check(&self) -> Result<Option<WaitingCheck>, StoreError> {
        self.ask("looking for a reported check", |database| {
            let sql = "SELECT visitor, lesson, program FROM waiting_check ORDER BY at LIMIT 1";
            let found = database.query_row(sql, [], |row| {
                let visitor = VisitorId(row.get(0)?);
                Ok(WaitingCheck { visitor, lesson: file::text(row, 1)?, program: file::text(row, 2)? })
            });
            found.optional()
        })
        .await
    }

    async fn waiting_programs(&self, visitor: VisitorId) -> Result<BTreeMap<String, String>, StoreError> {
        self.ask("looking for reported checks", move |database| {
            let mut rows = database.prepare_cached("SELECT lesson, program FROM waiting_check WHERE visitor = ?1")?;
            rows.query_map(params![visitor.0], |row| Ok((file::text(row, 0)?, file::text(row, 1)?)))?.collect()
        })
        .await
    }

    async fn settle_check(&self, check: WaitingCheck, passed: Option<bool>) -> Result<Option<Proof>, StoreError> {
        self.keep("keeping what a second run came to", check.visitor, move |change| {
            let sql = "DELETE FROM waiting_check WHERE visitor = ?1 AND lesson = ?2 AND program = ?3";
            let (visitor, lesson) = (check.visitor.0, check.lesson);
            if change.execute(sql, params![visitor, lesson, check.program])? == 0 {
                return Ok(Kept::Done(None));
            }
            // What the server itself has seen pass meanwhile stays.
            let sql = "UPDATE work SET
                    passed = CASE WHEN proof = 'reported' AND ?3 = 0 THEN 0 ELSE passed END,
                    proof = CASE WHEN proof != 'reported' OR ?3 IS NULL THEN proof WHEN ?3 THEN 'verified' ELSE 'refused' END
                WHERE visitor = ?1 AND lesson = ?2 RETURNING proof";
            let proof = change.query_row(sql, params![visitor, lesson, passed], |row| file::text(row, 0)).optional()?;
            Ok(Kept::Done(proof.map(|name| Proof::from_name(&name))))
        })
        .await
    }
}
