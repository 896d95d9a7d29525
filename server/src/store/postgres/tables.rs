//! The tables, and what brings those of an older workbench up to date.

use deadpool_postgres::Object;

use super::super::StoreError;
use super::error::failed;

/// The changes from one version of the tables to the next; the table `version` counts them. Only append.
///
/// Programs are bytes: a text of PostgreSQL has no U+0000, and a program may have one. JSON has it as an escape. What others may
/// change meanwhile has a revision that every change counts up. `presence` and `process` say who is where at the moment; they
/// need not survive a crash of the database.
const MIGRATIONS: [&str; 1] = ["
    CREATE TABLE mint (
        one BOOLEAN PRIMARY KEY CHECK (one),
        key BYTEA NOT NULL
    );
    CREATE TABLE visitor (
        id BIGINT PRIMARY KEY,
        created BIGINT NOT NULL,
        seen BIGINT NOT NULL
    );
    CREATE INDEX visitor_by_seen ON visitor (seen);
    CREATE TABLE work (
        visitor BIGINT NOT NULL REFERENCES visitor(id) ON DELETE CASCADE,
        lesson TEXT NOT NULL,
        program BYTEA,
        prediction TEXT NOT NULL DEFAULT 'null',
        steps TEXT NOT NULL DEFAULT '{}',
        last_check TEXT,
        failures INTEGER NOT NULL DEFAULT 0,
        passed BOOLEAN NOT NULL DEFAULT false,
        proof TEXT NOT NULL DEFAULT 'none',
        updated BIGINT NOT NULL,
        PRIMARY KEY (visitor, lesson)
    );
    CREATE TABLE outcome (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        visitor BIGINT NOT NULL REFERENCES visitor(id) ON DELETE CASCADE,
        lesson TEXT NOT NULL,
        at BIGINT NOT NULL,
        number BIGINT NOT NULL,
        program TEXT NOT NULL,
        settings TEXT NOT NULL,
        row TEXT NOT NULL
    );
    CREATE INDEX outcome_by_lesson ON outcome (visitor, lesson, id);
    CREATE TABLE class (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        revision BIGINT NOT NULL DEFAULT 0,
        pin TEXT NOT NULL UNIQUE,
        data TEXT NOT NULL
    );
    CREATE TABLE seat (
        id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        class BIGINT NOT NULL REFERENCES class(id) ON DELETE CASCADE,
        visitor BIGINT NOT NULL UNIQUE,
        revision BIGINT NOT NULL DEFAULT 0,
        folded TEXT NOT NULL,
        data TEXT NOT NULL,
        UNIQUE (class, folded)
    );
    CREATE TABLE progress (
        seat BIGINT NOT NULL REFERENCES seat(id) ON DELETE CASCADE,
        lesson TEXT NOT NULL,
        data TEXT NOT NULL,
        PRIMARY KEY (seat, lesson)
    );
    CREATE UNLOGGED TABLE process (
        id BIGINT PRIMARY KEY,
        beat TIMESTAMPTZ NOT NULL,
        failures INTEGER NOT NULL,
        places INTEGER NOT NULL
    );
    CREATE UNLOGGED TABLE presence (
        seat BIGINT NOT NULL REFERENCES seat(id) ON DELETE CASCADE,
        process BIGINT NOT NULL REFERENCES process(id) ON DELETE CASCADE,
        streams INTEGER NOT NULL,
        came BIGINT NOT NULL,
        seen BIGINT NOT NULL,
        stirred BIGINT NOT NULL,
        PRIMARY KEY (seat, process)
    );
    CREATE INDEX presence_by_process ON presence (process);
    CREATE TABLE waiting_check (
        visitor BIGINT NOT NULL REFERENCES visitor(id) ON DELETE CASCADE,
        lesson TEXT NOT NULL,
        program BYTEA NOT NULL,
        at BIGINT NOT NULL,
        process BIGINT NOT NULL,
        PRIMARY KEY (visitor, lesson)
    );
    CREATE INDEX waiting_check_by_time ON waiting_check (at);
"];

/// Held while the tables are brought up to date: processes may start at the same time.
const MIGRATING: i64 = 0x1512_1AB0;

/// Brings the tables of an older workbench up to date, one version after the other, or makes them.
pub(super) async fn migrate(client: &mut Object) -> Result<(), StoreError> {
    let doing = "bringing the tables up to date";
    let failed = || failed(doing);
    let encoding: String = client.query_one("SHOW server_encoding", &[]).await.map_err(failed())?.get(0);
    if encoding != "UTF8" {
        let cause = format!(
            "its encoding is {encoding}, which has not every character\n  Make one with UTF8: createdb --encoding=UTF8 \
             --template=template0 NAME\n  [database-encoding]"
        );
        return Err(StoreError::Postgres { doing, cause, full: false });
    }
    let change = client.transaction().await.map_err(failed())?;
    change.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATING]).await.map_err(failed())?;
    // Whoever may not make one may use one that was made for them.
    let schema = "SELECT 1 FROM pg_namespace WHERE nspname = 'isrlab'";
    if change.query_opt(schema, &[]).await.map_err(failed())?.is_none() {
        change.batch_execute("CREATE SCHEMA isrlab").await.map_err(failed())?;
    }
    let first = "CREATE TABLE IF NOT EXISTS version (found INTEGER NOT NULL)";
    change.batch_execute(first).await.map_err(failed())?;
    let found = change.query_opt("SELECT found FROM version", &[]).await.map_err(failed())?;
    let found = found.map_or(0, |row| row.get::<_, i32>(0).unsigned_abs());
    let known = MIGRATIONS.len() as u32;
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for migration in MIGRATIONS.iter().skip(found as usize) {
        change.batch_execute(migration).await.map_err(failed())?;
    }
    let now = format!("DELETE FROM version; INSERT INTO version VALUES ({known})");
    change.batch_execute(&now).await.map_err(failed())?;
    change.commit().await.map_err(failed())
}
