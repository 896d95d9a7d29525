//! The tables, and what brings those of an older workbench up to date.

use rusqlite::{Connection, params};

use super::super::StoreError;
use super::{class, hash, proof};

/// What brings the tables from one version to the next.
pub(super) enum Change {
    Sql(&'static str),
    Code(fn(&Connection) -> rusqlite::Result<()>),
}

/// The changes from one version of the tables to the next; `user_version` counts them. Only append.
pub(super) const MIGRATIONS: [Change; 5] = [
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
    Change::Sql("CREATE TABLE mint (key BLOB NOT NULL); CREATE INDEX visitor_by_seen ON visitor (seen)"),
    Change::Sql(class::TABLES),
    Change::Sql(proof::TABLES),
];

/// Brings the tables of an older workbench up to date, one version after the other.
///
/// # Errors
/// The database, or one that a newer workbench wrote.
pub(super) fn migrate(database: &mut Connection) -> Result<(), StoreError> {
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
