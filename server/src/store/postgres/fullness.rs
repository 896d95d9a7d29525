//! How full the database is. Its size on the disk says little, since deleted rows leave room that only its own housekeeping
//! gives back; so what is kept is added up, anew whenever a part of the quota was written since.

use std::time::{Duration, Instant};

use deadpool_postgres::Object;

use super::super::quota::{FORGOTTEN_AT_ONCE, FULL_PERCENT};
use super::super::{StoreError, VisitorId};
use super::error::failed;
use super::{Postgres, forget_who_left_nothing, look};
use crate::lock::lock;

/// It is measured again when this part of the quota was written.
const MEASURED_EVERY: u64 = 64;
/// What a row takes up besides its texts, roughly.
const ROW_BYTES: i64 = 100;

/// After the quota was found used up it is not added up again for so long.
const REFUSED_FOR: Duration = Duration::from_secs(1);

/// What is known of the size of all that is kept.
#[derive(Debug, Default)]
pub(super) struct Fullness(std::sync::Mutex<Known>);

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    /// What was measured last.
    measured: Option<Measured>,
    /// When the quota was found used up.
    refused: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
struct Measured {
    /// Bytes that were kept then.
    kept: u64,
    /// Bytes that this process has written since.
    written: u64,
}

impl Known {
    /// Whether there is room for so many bytes more; `None`: it has to be measured.
    fn has_room(&mut self, bytes: u64, most: u64) -> Option<bool> {
        if bytes > 0 && self.refused.is_some_and(|since| since.elapsed() < REFUSED_FOR) {
            return Some(false);
        }
        let known = self.measured.as_mut().filter(|known| known.written < most / MEASURED_EVERY)?;
        (known.kept + known.written + bytes <= most).then(|| {
            known.written += bytes;
            true
        })
    }
}

impl Postgres {
    /// Finds room for so many bytes of a visitor: forgets what nobody would miss once the quota is nearly used up.
    pub(super) async fn make_room(&self, client: &Object, keep: VisitorId, bytes: usize) -> Result<(), StoreError> {
        let doing = "limiting its size";
        let (bytes, most) = (bytes as u64, self.quota.bytes);
        let full = || StoreError::Postgres { doing, cause: "the quota is used up".to_owned(), full: true };
        let has_room = lock(&self.fullness.0).has_room(bytes, most);
        match has_room {
            Some(true) => return Ok(()),
            Some(false) => return Err(full()),
            None => {}
        }
        let mut kept = measure(client).await.map_err(failed(doing))?;
        if (kept + bytes) * 100 >= most.saturating_mul(FULL_PERCENT)
            && forget_outcomes(client, keep).await.map_err(failed(doing))?
        {
            kept = measure(client).await.map_err(failed(doing))?;
        }
        let is_refused = bytes > 0 && kept + bytes > most;
        let written = if is_refused { 0 } else { bytes };
        let refused = is_refused.then(Instant::now);
        *lock(&self.fullness.0) = Known { measured: Some(Measured { kept, written }), refused };
        if is_refused { Err(full()) } else { Ok(()) }
    }
}

/// Adds up what is kept. The length of a long text stands in its row, so that none is read.
async fn measure(client: &Object) -> Result<u64, tokio_postgres::Error> {
    let sql = format!(
        "SELECT (
            (SELECT COALESCE(SUM(octet_length(row) + octet_length(settings) + {ROW_BYTES}), 0) FROM outcome)
            + (SELECT COALESCE(SUM(COALESCE(octet_length(program), 0) + octet_length(prediction) + octet_length(steps)
                + COALESCE(octet_length(last_check), 0) + {ROW_BYTES}), 0) FROM work)
            + (SELECT COALESCE(SUM(octet_length(program) + {ROW_BYTES}), 0) FROM waiting_check)
            + (SELECT COALESCE(SUM(octet_length(data) + {ROW_BYTES}), 0) FROM class)
            + (SELECT COALESCE(SUM(octet_length(data) + {ROW_BYTES}), 0) FROM seat)
            + (SELECT COALESCE(SUM(octet_length(data) + {ROW_BYTES}), 0) FROM progress)
        )::BIGINT"
    );
    let rows = look(client, &sql, &[]).await?;
    Ok(rows.first().map_or(0, |row| row.get::<_, i64>(0).cast_unsigned()))
}

/// Forgets outcomes of visitors without work of their own, those who were not here for longest first. Returns whether there were
/// any.
async fn forget_outcomes(client: &Object, keep: VisitorId) -> Result<bool, tokio_postgres::Error> {
    let sql = "DELETE FROM outcome WHERE visitor IN
        (SELECT id FROM visitor WHERE id != $1 AND NOT EXISTS (SELECT 1 FROM work WHERE work.visitor = visitor.id)
            AND EXISTS (SELECT 1 FROM outcome WHERE outcome.visitor = visitor.id)
         ORDER BY seen LIMIT $2)";
    let forgotten = client.execute(sql, &[&keep.0, &i64::from(FORGOTTEN_AT_ONCE)]).await?;
    forget_who_left_nothing(client).await?;
    if forgotten > 0 {
        tracing::warn!(forgotten, "the database is nearly full; outcomes of visitors without work are forgotten");
    }
    Ok(forgotten > 0)
}
