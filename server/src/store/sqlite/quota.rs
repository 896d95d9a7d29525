//! The file never outgrows its size: SQLite itself refuses the page that would.

use rusqlite::{Connection, OptionalExtension, params};

use super::super::quota::{FORGOTTEN_AT_ONCE, FULL_PERCENT, NOTHING_KEPT_S};
use super::super::{Allowance, Quota, VisitorId, now_s};

impl Quota {
    /// Lets SQLite refuse what goes beyond.
    pub(super) fn limit(self, database: &Connection) -> rusqlite::Result<()> {
        let page = count(database, "PRAGMA page_size")?;
        database.pragma_update(None, "max_page_count", (self.bytes / page.max(1)).max(1) as i64)
    }

    /// Forgets what nobody would miss once the file is nearly full.
    pub(super) fn make_room(self, database: &mut Connection, keep: VisitorId) -> rusqlite::Result<()> {
        if !is_nearly_full(database)? {
            return Ok(());
        }
        let sql = "DELETE FROM outcome WHERE visitor IN
            (SELECT id FROM visitor WHERE id != ?1 AND NOT EXISTS (SELECT 1 FROM work WHERE work.visitor = visitor.id)
                AND EXISTS (SELECT 1 FROM outcome WHERE outcome.visitor = visitor.id)
             ORDER BY seen LIMIT ?2)";
        let forgotten = database.execute(sql, params![keep.0, FORGOTTEN_AT_ONCE])?;
        forget_who_left_nothing(database)?;
        tracing::warn!(forgotten, "the database is nearly full; outcomes of visitors without work are forgotten");
        Ok(())
    }

    /// Whether a visitor may keep `size` bytes of work on a lesson in the place of what is there.
    pub(super) fn has_share(
        self,
        change: &Connection,
        visitor: VisitorId,
        lesson: &str,
        size: u64,
        allowed: Allowance,
    ) -> rusqlite::Result<bool> {
        const SIZE: &str = "COALESCE(LENGTH(CAST(program AS BLOB)), 0) + LENGTH(CAST(prediction AS BLOB)) + LENGTH(CAST(steps AS BLOB))";
        let sql = format!("SELECT {SIZE} FROM work WHERE visitor = ?1 AND lesson = ?2");
        let before: Option<i64> = change.query_row(&sql, params![visitor.0, lesson], |row| row.get(0)).optional()?;
        let before = before.unwrap_or(0).cast_unsigned();
        // Whoever makes it smaller is never refused.
        if size <= before {
            return Ok(true);
        }
        let sql = format!("SELECT COALESCE(SUM({SIZE}), 0) FROM work WHERE visitor = ?1");
        let all: i64 = change.query_row(&sql, params![visitor.0], |row| row.get(0))?;
        Ok(all.cast_unsigned() - before + size <= self.visitor_bytes && allowed(size - before))
    }
}

fn is_nearly_full(database: &Connection) -> rusqlite::Result<bool> {
    let used = count(database, "PRAGMA page_count")?.saturating_sub(count(database, "PRAGMA freelist_count")?);
    Ok(used * 100 >= count(database, "PRAGMA max_page_count")?.saturating_mul(FULL_PERCENT))
}

/// A count that SQLite keeps.
fn count(database: &Connection, pragma: &str) -> rusqlite::Result<u64> {
    database.query_row(pragma, [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

/// Forgets visitors of whom nothing is kept.
pub(super) fn forget_who_left_nothing(database: &Connection) -> rusqlite::Result<()> {
    let sql = "DELETE FROM visitor WHERE seen < ?1
        AND NOT EXISTS (SELECT 1 FROM work WHERE work.visitor = visitor.id)
        AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.visitor = visitor.id)";
    database.execute(sql, params![now_s() - NOTHING_KEPT_S]).map(drop)
}
