//! The processes that work on one database: what each has changed, and which learners have a page open where.
//!
//! What is told is *that* something of a class has changed. Whoever hears of it compares the revisions that it has with those
//! that there are, and reads what is newer. So nothing is lost by what is not heard: a process that was killed between its
//! change and telling of it, or a connection that broke.

use std::collections::HashMap;
use std::future::poll_fn;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use super::super::{StoreError, now_s};
use super::error::{away, failed};
use super::{DatabaseUrl, Values, client, execute, look};
use crate::class::{Class, ClassId, Guessing, Seat, SeatId};

/// The channel on which processes hear from each other.
const CHANNEL: &str = "isrlab";
/// How often a process says that it is there.
const BEAT: Duration = Duration::from_secs(3);
/// A process that has not said so for so long is not there any more, and neither are the pages that were open at it.
const DEAD_S: f64 = 12.0;

/// What is known of a learner at other processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Elsewhere {
    /// Pages that are open there.
    pub streams: usize,
    /// When the first of them was opened, in seconds since 1970.
    pub came: i64,
    /// When they were last there, in seconds since 1970.
    pub seen: i64,
    /// Counts up when something of them is worth a look.
    pub stirred: i64,
}

/// What this process knows of a learner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Whose it is.
    pub seat: SeatId,
    /// Pages that are open here.
    pub streams: usize,
    /// When the first of them was opened, in seconds since 1970.
    pub came: i64,
    /// When they were last here, in seconds since 1970.
    pub seen: i64,
}

/// What tells whether something of a class has changed, in few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// The class's revision.
    pub revision: i64,
    /// The sum of the seats' numbers.
    pub seats: i64,
    /// The sum of their revisions.
    pub revisions: i64,
    /// The sum of what is known of them at other processes: pages, and twice how often something was worth a look. A page that
    /// closes is such a time, and must not make up for itself.
    pub elsewhere: i64,
}

/// What there is of a class, by revision.
#[derive(Debug)]
pub struct Sight {
    /// The class's revision.
    pub revision: i64,
    /// Every seat's revision, and what is known of the learner at other processes.
    pub seats: HashMap<SeatId, (i64, Elsewhere)>,
}

/// What a process hears when it says that it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beat {
    /// The others had forgotten this process, and do not know who is at it.
    pub forgotten: bool,
    /// Wrong tries of PINs and words that the others have seen of late.
    pub guessing: Guessing,
}

/// Something heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Something of this class has changed.
    Class(ClassId),
    /// Anything may have changed: the connection is a new one.
    Anything,
}

/// The other processes.
pub struct Others {
    pool: Pool,
    url: DatabaseUrl,
    /// This process's number: another one each time it is started.
    process: i64,
}

impl Others {
    pub(super) async fn new(pool: Pool, url: DatabaseUrl) -> Result<Self, StoreError> {
        let process = (getrandom::u64().map_err(StoreError::Random)? >> 1).cast_signed();
        let others = Self { pool, url, process };
        others.beat(Guessing::default()).await?;
        Ok(others)
    }

    pub(super) fn process(&self) -> i64 {
        self.process
    }

    async fn client(&self, doing: &'static str) -> Result<Object, StoreError> {
        client(&self.pool, doing).await
    }

    /// How often [`Self::beat`] is to be called.
    #[must_use]
    pub fn beats_every(&self) -> Duration {
        BEAT
    }

    /// Says that this process is there and what it has seen of wrong tries, and forgets processes that are not there any more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn beat(&self, guessing: Guessing) -> Result<Beat, StoreError> {
        let doing = "saying that this process is there";
        let client = self.client(doing).await?;
        // A row that is new was not written by any earlier transaction.
        let sql = "INSERT INTO process (id, beat, failures, places) VALUES ($1, now(), $2, $3)
            ON CONFLICT (id) DO UPDATE SET beat = now(), failures = $2, places = $3 RETURNING xmax = 0";
        let count = |number: usize| i32::try_from(number).unwrap_or(i32::MAX);
        let values: Values<'_> = &[&self.process, &count(guessing.failures), &count(guessing.places)];
        let rows = look(&client, sql, values).await.map_err(failed(doing))?;
        let forgotten = rows.first().is_some_and(|row| row.get(0));
        let sql = "DELETE FROM process WHERE beat < now() - make_interval(secs => $1)";
        let gone = client.execute(sql, &[&DEAD_S]).await.map_err(failed(doing))?;
        if gone > 0 {
            tracing::info!(gone, "processes that are not there any more are forgotten");
        }
        let sql =
            "SELECT COALESCE(SUM(failures), 0)::BIGINT, COALESCE(SUM(places), 0)::BIGINT FROM process WHERE id != $1";
        let rows = look(&client, sql, &[&self.process]).await.map_err(failed(doing))?;
        let sum = |column| rows.first().map_or(0, |row| usize::try_from(row.get::<_, i64>(column)).unwrap_or(0));
        Ok(Beat { forgotten, guessing: Guessing { failures: sum(0), places: sum(1) } })
    }

    /// This process ends: nobody is at it any more.
    ///
    /// # Errors
    /// The database failed.
    pub async fn leave(&self, classes: &[ClassId]) -> Result<(), StoreError> {
        let doing = "leaving";
        let client = self.client(doing).await?;
        let sql = "DELETE FROM process WHERE id = $1";
        client.execute(sql, &[&self.process]).await.map_err(failed(doing))?;
        self.notify(&client, classes).await.map_err(failed(doing))
    }

    /// Tells the others that something of these classes has changed, and who is here. Call it after what was changed is kept.
    ///
    /// # Errors
    /// The database failed.
    pub async fn tell(&self, classes: &[ClassId], here: &[Presence]) -> Result<(), StoreError> {
        let doing = "telling other processes";
        let mut client = self.client(doing).await?;
        if !here.is_empty() {
            let seats: Vec<i64> = here.iter().map(|presence| presence.seat.0).collect();
            let streams: Vec<i32> = here.iter().map(|presence| i32::try_from(presence.streams).unwrap_or(1)).collect();
            let came: Vec<i64> = here.iter().map(|presence| presence.came).collect();
            let seen: Vec<i64> = here.iter().map(|presence| presence.seen).collect();
            let change = client.transaction().await.map_err(failed(doing))?;
            // Seats first, and in the order in which removing locks them, then what belongs to them.
            let hold = "SELECT 1 FROM seat WHERE id = ANY($1) ORDER BY id FOR KEY SHARE";
            execute(&change, hold, &[&seats]).await.map_err(failed(doing))?;
            // Who was removed meanwhile is nowhere.
            let sql = "INSERT INTO presence (seat, process, streams, came, seen, stirred)
                SELECT here.seat, $1, here.streams, here.came, here.seen, 1
                FROM unnest($2::BIGINT[], $3::INTEGER[], $4::BIGINT[], $5::BIGINT[]) AS here (seat, streams, came, seen)
                JOIN seat ON seat.id = here.seat JOIN process ON process.id = $1
                ON CONFLICT (seat, process) DO UPDATE SET streams = EXCLUDED.streams, came = EXCLUDED.came,
                    seen = EXCLUDED.seen, stirred = presence.stirred + 1";
            let values: Values<'_> = &[&self.process, &seats, &streams, &came, &seen];
            execute(&change, sql, values).await.map_err(failed(doing))?;
            change.commit().await.map_err(failed(doing))?;
        }
        self.notify(&client, classes).await.map_err(failed(doing))
    }

    async fn notify(&self, client: &Object, classes: &[ClassId]) -> Result<(), tokio_postgres::Error> {
        let words: Vec<String> = classes.iter().map(|class| format!("{} {}", self.process, class.0)).collect();
        let sql = "SELECT pg_notify($1, word) FROM unnest($2::TEXT[]) AS word";
        look(client, sql, &[&CHANNEL, &words]).await.map(drop)
    }

    /// What time it is, in seconds since 1970, by the clock of the database: processes may be at several computers.
    ///
    /// # Errors
    /// The database failed.
    pub async fn now_s(&self) -> Result<i64, StoreError> {
        let doing = "asking for the time";
        let client = self.client(doing).await?;
        let rows = look(&client, "SELECT EXTRACT(EPOCH FROM now())::BIGINT", &[]).await.map_err(failed(doing))?;
        Ok(rows.first().map_or_else(now_s, |row| row.get(0)))
    }

    /// What there is of a class; `None`: there is no such class.
    ///
    /// # Errors
    /// The database failed.
    pub async fn sight(&self, class: ClassId) -> Result<Option<Sight>, StoreError> {
        let doing = "looking at a class";
        let client = self.client(doing).await?;
        let rows = look(&client, "SELECT revision FROM class WHERE id = $1", &[&class.0]).await;
        let Some(revision) = rows.map_err(failed(doing))?.first().map(|row| row.get(0)) else { return Ok(None) };
        let sql = "SELECT seat.id, seat.revision, COALESCE(SUM(streams), 0)::BIGINT, COALESCE(MAX(came), 0),
                COALESCE(MAX(seen), 0), COALESCE(SUM(stirred), 0)::BIGINT
            FROM seat LEFT JOIN presence ON presence.seat = seat.id AND presence.process != $2
            WHERE seat.class = $1 GROUP BY seat.id";
        let rows = look(&client, sql, &[&class.0, &self.process]).await.map_err(failed(doing))?;
        let seats = rows.iter().map(|row| {
            let streams = usize::try_from(row.get::<_, i64>(2)).unwrap_or(0);
            let elsewhere = Elsewhere { streams, came: row.get(3), seen: row.get(4), stirred: row.get(5) };
            (SeatId(row.get(0)), (row.get(1), elsewhere))
        });
        Ok(Some(Sight { revision, seats: seats.collect() }))
    }

    /// A class without its learners; `None`: there is no such class.
    ///
    /// # Errors
    /// The database failed.
    pub async fn head(&self, class: ClassId) -> Result<Option<Class>, StoreError> {
        let doing = "reading a class";
        super::classes::head(&self.client(doing).await?, class).await.map_err(failed(doing))
    }

    /// A class with its learners; `None`: there is no such class.
    ///
    /// # Errors
    /// The database failed.
    pub async fn whole(&self, class: ClassId) -> Result<Option<Class>, StoreError> {
        let doing = "reading a class";
        super::classes::whole(&self.client(doing).await?, class).await.map_err(failed(doing))
    }

    /// Changes a class, its learners apart, from what the database has at that moment, while nobody else changes it; not if
    /// `change` says no. Returns what it is then.
    ///
    /// # Errors
    /// The database failed, the class is gone, or another class has its PIN; nothing was changed.
    pub async fn change_class(
        &self,
        class: ClassId,
        change: impl FnOnce(&mut Class) -> bool + Send,
    ) -> Result<Class, StoreError> {
        let doing = "keeping a class";
        let mut client = self.client(doing).await?;
        let changed = super::classes::change_head(&mut client, class, change).await.map_err(failed(doing))?;
        changed.ok_or(StoreError::Outdated)
    }

    /// These learners, those that there are.
    ///
    /// # Errors
    /// The database failed.
    pub async fn seats(&self, seats: &[SeatId]) -> Result<Vec<Seat>, StoreError> {
        let doing = "reading learners";
        super::classes::seats(&self.client(doing).await?, seats).await.map_err(failed(doing))
    }

    /// What there is of every class, in few numbers.
    ///
    /// # Errors
    /// The database failed.
    pub async fn survey(&self) -> Result<HashMap<ClassId, Survey>, StoreError> {
        let doing = "looking at all classes";
        let client = self.client(doing).await?;
        let sql = "SELECT class.id, class.revision, COALESCE(SUM(seat.id), 0)::BIGINT, COALESCE(SUM(seat.revision), 0)::BIGINT,
                COALESCE(SUM(elsewhere.known), 0)::BIGINT
            FROM class LEFT JOIN seat ON seat.class = class.id
            LEFT JOIN (SELECT seat, SUM(streams + 2 * stirred) AS known FROM presence WHERE process != $1 GROUP BY seat)
                AS elsewhere ON elsewhere.seat = seat.id
            GROUP BY class.id";
        let rows = look(&client, sql, &[&self.process]).await.map_err(failed(doing))?;
        let survey = |row: &tokio_postgres::Row| {
            let (revision, seats, revisions, elsewhere) = (row.get(1), row.get(2), row.get(3), row.get(4));
            (ClassId(row.get(0)), Survey { revision, seats, revisions, elsewhere })
        };
        Ok(rows.iter().map(survey).collect())
    }

    /// Listens until the connection breaks. Begins with [`Heard::Anything`].
    ///
    /// # Errors
    /// There is no connection.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        let doing = "listening to other processes";
        // A database that accepts the connection and then says nothing is none.
        let connected = tokio::time::timeout(2 * super::PATIENCE, self.connect(doing)).await;
        connected.unwrap_or_else(|_| Err(StoreError::Away { doing, cause: "it says nothing".to_owned() }))
    }

    async fn connect(&self, doing: &'static str) -> Result<Listener, StoreError> {
        let (heard, hears) = mpsc::unbounded_channel();
        let config = self.url.config();
        let client = match self.url.tls()? {
            Some(tls) => {
                let (client, connection) = config.connect(tls).await.map_err(|error| away(doing, &error))?;
                self.pass_on(connection, heard.clone());
                client
            }
            None => {
                let (client, connection) = config.connect(NoTls).await.map_err(|error| away(doing, &error))?;
                self.pass_on(connection, heard.clone());
                client
            }
        };
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await.map_err(failed(doing))?;
        // What was told before is found by looking.
        _ = heard.send(Heard::Anything);
        Ok(Listener { _client: client, hears })
    }

    /// Passes on what the connection says, until it ends or nobody listens any more.
    fn pass_on<S, T>(&self, mut connection: Connection<S, T>, heard: mpsc::UnboundedSender<Heard>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let process = self.process;
        tokio::spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                let AsyncMessage::Notification(told) = message else { continue };
                let Some((from, class)) = read(told.payload()) else { continue };
                if from != process && heard.send(Heard::Class(class)).is_err() {
                    break;
                }
            }
        });
    }
}

/// A connection on which other processes are heard. It ends when this is dropped.
#[derive(Debug)]
pub struct Listener {
    /// The connection ends with its client.
    _client: Client,
    hears: mpsc::UnboundedReceiver<Heard>,
}

impl Listener {
    /// What is heard next; `None`: the connection is broken.
    pub async fn next(&mut self) -> Option<Heard> {
        self.hears.recv().await
    }

    /// What has been heard already, without waiting.
    pub fn heard(&mut self) -> Option<Heard> {
        self.hears.try_recv().ok()
    }
}

/// The process and the class in what was told. Whoever may use the database can tell anything.
fn read(words: &str) -> Option<(i64, ClassId)> {
    let (process, class) = words.split_once(' ')?;
    Some((process.parse().ok()?, ClassId(class.parse().ok()?)))
}
