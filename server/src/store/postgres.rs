//! PostgreSQL, for a school: several processes work on one database.
//!
//! Each question is one transaction on a connection of a pool. What is acknowledged is committed, and the database commits to
//! its disk first (`synchronous_commit`, PostgreSQL's default). Nothing is kept in this process that another one could
//! change, but for the size of what is kept, which is measured now and then (`fullness`).

mod classes;
mod error;
mod fullness;
mod others;
mod reports;
mod tables;
mod url;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime, Timeouts, Transaction};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Database, KEY_BYTES, Quota, StoreError, VisitorId, fresh_key, now_s};
use error::{away, failed};
use fullness::Fullness;
pub use others::{Elsewhere, Heard, Others, Presence, Survey};
pub use url::DatabaseUrl;

/// Connections of one process. A question takes a millisecond, and a database of Debian's allows 100 connections in all.
const CONNECTIONS: usize = 8;
/// How long a question waits for a connection, and for the database to accept one. Until then a database that is being
/// restarted is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// By so much clocks may differ without a word.
const CLOCKS_APART_S: i64 = 30;
/// So often it is tried whether a database that accepts nothing does so by now.
const AGAIN: Duration = Duration::from_millis(100);

/// Whether it has been said that the database does not answer: once, and not for each request.
static AWAY: AtomicBool = AtomicBool::new(false);

/// The database.
pub(super) struct Postgres {
    pool: Pool,
    key: [u8; KEY_BYTES],
    quota: Quota,
    fullness: Fullness,
    others: Others,
}

impl Postgres {
    /// Connects, and brings the tables up to date.
    pub(super) async fn connect(url: &DatabaseUrl, quota: Quota) -> Result<Self, StoreError> {
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Verified };
        let config = url.config();
        let manager = match url.tls()? {
            Some(tls) => Manager::from_config(config, tls, manager),
            None => Manager::from_config(config, tokio_postgres::NoTls, manager),
        };
        let timeouts = Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) };
        let pool = Pool::builder(manager).max_size(CONNECTIONS).runtime(Runtime::Tokio1).timeouts(timeouts).build();
        let pool = pool.map_err(|error| away("opening", &error))?;
        let mut client = client(&pool, "opening").await?;
        tables::migrate(&mut client).await?;
        forget_who_left_nothing(&client).await.map_err(failed("forgetting visitors"))?;
        let key = key(&client).await?;
        let others = Others::new(pool.clone(), url.clone()).await?;
        let apart_s = (others.now_s().await? - now_s()).abs();
        if apart_s > CLOCKS_APART_S {
            tracing::warn!(
                apart_s,
                "the clocks of this computer and of the database's differ: times of learners will, too"
            );
        }
        Ok(Self { pool, key, quota, fullness: Fullness::default(), others })
    }

    async fn client(&self, doing: &'static str) -> Result<Object, StoreError> {
        client(&self.pool, doing).await
    }

    /// Begins a change of what is kept of a visitor, who is a row from then on. What is left of a learner who was removed,
    /// such as a check under way, is refused: else it would make a new row of somebody who was deleted.
    async fn begin_keeping<'a>(
        &self,
        client: &'a mut Object,
        doing: &'static str,
        visitor: VisitorId,
        bytes: usize,
    ) -> Result<Transaction<'a>, StoreError> {
        self.make_room(client, visitor, bytes).await?;
        let change = client.transaction().await.map_err(failed(doing))?;
        if visitor.is_of_a_seat() {
            // Until this change is done the seat stays; whoever removes it takes what was kept along.
            let sql = "SELECT 1 FROM seat WHERE visitor = $1 FOR KEY SHARE";
            if row(&change, sql, &[&visitor.0]).await.map_err(failed(doing))?.is_none() {
                return Err(StoreError::Removed);
            }
        }
        let sql =
            "INSERT INTO visitor (id, created, seen) VALUES ($1, $2, $2) ON CONFLICT (id) DO UPDATE SET seen = $2";
        execute(&change, sql, &[&visitor.0, &now_s()]).await.map_err(failed(doing))?;
        Ok(change)
    }
}

impl Database for Postgres {
    fn key(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }

    fn others(&self) -> Option<&Others> {
        Some(&self.others)
    }
}

/// A connection, as soon as the database accepts one.
async fn client(pool: &Pool, doing: &'static str) -> Result<Object, StoreError> {
    let give_up = tokio::time::Instant::now() + PATIENCE;
    loop {
        match pool.get().await {
            Ok(client) => {
                if AWAY.swap(false, Ordering::Relaxed) {
                    tracing::info!("the database answers again");
                }
                return Ok(client);
            }
            Err(error) if tokio::time::Instant::now() >= give_up || !error::may_pass(&error) => {
                if !AWAY.swap(true, Ordering::Relaxed) {
                    tracing::error!(cause = error::told(&error), "the database does not answer");
                }
                return Err(away(doing, &error));
            }
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Carries a statement out, which is prepared once for each connection.
async fn execute(change: &Transaction<'_>, sql: &str, values: Values<'_>) -> Result<u64, tokio_postgres::Error> {
    let statement = change.prepare_cached(sql).await?;
    change.execute(&statement, values).await
}

/// The row that a statement gives, if it gives one.
async fn row(change: &Transaction<'_>, sql: &str, values: Values<'_>) -> Result<Option<Row>, tokio_postgres::Error> {
    let statement = change.prepare_cached(sql).await?;
    change.query_opt(&statement, values).await
}

/// The rows of a question that changes nothing.
async fn look(client: &Object, sql: &str, values: Values<'_>) -> Result<Vec<Row>, tokio_postgres::Error> {
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, values).await
}

/// The database's key; made by the first process.
async fn key(client: &Object) -> Result<[u8; KEY_BYTES], StoreError> {
    let doing = "reading its key";
    let fresh = fresh_key()?;
    let sql = "INSERT INTO mint (one, key) VALUES (true, $1) ON CONFLICT (one) DO NOTHING";
    client.execute(sql, &[&fresh.as_slice()]).await.map_err(failed(doing))?;
    let row = client.query_one("SELECT key FROM mint", &[]).await.map_err(failed(doing))?;
    row.get::<_, &[u8]>(0).try_into().map_err(|_| StoreError::Postgres {
        doing,
        cause: "the key has another length".into(),
        full: false,
    })
}

/// Forgets visitors of whom nothing is kept.
async fn forget_who_left_nothing(client: &Object) -> Result<(), tokio_postgres::Error> {
    let sql = "DELETE FROM visitor WHERE seen < $1
        AND NOT EXISTS (SELECT 1 FROM work WHERE work.visitor = visitor.id)
        AND NOT EXISTS (SELECT 1 FROM outcome WHERE outcome.visitor = visitor.id)";
    client.execute(sql, &[&(now_s() - super::quota::NOTHING_KEPT_S)]).await.map(drop)
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
