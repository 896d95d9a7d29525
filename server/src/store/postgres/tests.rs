//! What is PostgreSQL's alone: several processes, and a database that goes and comes back.

use std::collections::BTreeMap;

use serde_json::json;
use test_postgres::TestPostgres;

use super::super::tests::seat;
use super::super::{ClassStore as _, SavedWork, Store, WorkStore as _};
use super::others::Beat;
use super::*;
use crate::class::{Class, Guessing, Progress, Seat};

async fn connect(server: &TestPostgres) -> Postgres {
    Postgres::connect(&server.url().parse().unwrap(), Quota::default()).await.unwrap()
}

async fn save(store: &Postgres, visitor: i64, program: &str) -> Result<(), StoreError> {
    let work = SavedWork { program: Some(program.into()), ..SavedWork::default() };
    store.save_work(VisitorId(visitor), "l".into(), work, Box::new(|_| true)).await
}

#[tokio::test]
async fn of_two_who_change_the_same_the_later_one_is_told_and_changes_nothing() {
    let server = TestPostgres::start();
    let (one, other) = (connect(&server).await, connect(&server).await);
    let id = one.add_class(&Class::sample("314159")).await.unwrap();
    let mut mine = Class { id, ..Class::sample("314159") };
    let theirs = Class { title: "theirs".into(), ..mine.clone() };
    mine.revision = other.save_class(&theirs).await.unwrap();
    mine.title = "mine".into();
    assert!(matches!(one.save_class(&Class { revision: 0, ..mine.clone() }).await, Err(StoreError::Outdated)));
    assert_eq!(one.classes().await.unwrap()[0].title, "theirs");
    one.save_class(&mine).await.unwrap();
    assert_eq!(other.classes().await.unwrap()[0].title, "mine");

    let mut otter = seat("otter");
    otter.id = one.add_seat(id, &otter).await.unwrap();
    let mut raised = Seat { hand: Some(1), ..otter.clone() };
    raised.work.insert("l".into(), Progress::default());
    other.save_seat(&raised, Some("l")).await.unwrap();
    let late = Seat { work: BTreeMap::new(), ..otter.clone() };
    assert!(matches!(one.save_seat(&late, None).await, Err(StoreError::Outdated)));
    let found = &one.classes().await.unwrap()[0].seats[&otter.id];
    assert_eq!((found.hand, found.work.len(), found.revision), (Some(1), 1, 1));
}

#[tokio::test]
async fn a_pin_and_a_nickname_are_given_out_once() {
    let server = TestPostgres::start();
    let (one, other) = (connect(&server).await, connect(&server).await);
    let id = one.add_class(&Class::sample("314159")).await.unwrap();
    assert!(matches!(other.add_class(&Class::sample("314159")).await, Err(StoreError::Taken)));
    let second = other.add_class(&Class::sample("271828")).await.unwrap();
    let renamed = Class { id: second, ..Class::sample("314159") };
    assert!(matches!(other.save_class(&renamed).await, Err(StoreError::Taken)));
    one.add_seat(id, &seat("otter")).await.unwrap();
    assert!(matches!(other.add_seat(id, &seat("OTTER")).await, Err(StoreError::Taken)));
    other.add_seat(second, &seat("otter")).await.unwrap();
    one.delete_class(id).await.unwrap();
    assert!(matches!(other.add_seat(id, &seat("wren")).await, Err(StoreError::Outdated)), "there is no such class");
}

/// Two open at the same moment, on an empty database.
#[tokio::test]
async fn processes_that_start_together_make_the_tables_once_and_have_one_key() {
    let server = TestPostgres::start();
    let stores = futures_util::future::join_all((0..4).map(|_| connect(&server))).await;
    assert!(stores.iter().all(|store| store.key() == stores[0].key()));
}

#[tokio::test]
async fn a_database_of_the_future_is_left_alone() {
    let server = TestPostgres::start();
    let store = connect(&server).await;
    let client = store.client("making it newer").await.unwrap();
    client.batch_execute("UPDATE version SET found = 99").await.unwrap();
    let again = Postgres::connect(&server.url().parse().unwrap(), Quota::default()).await;
    assert!(matches!(again, Err(StoreError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn a_database_that_has_not_every_character_is_refused() {
    let server = TestPostgres::start();
    let store = connect(&server).await;
    let client = store.client("making another one").await.unwrap();
    client.batch_execute("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0").await.unwrap();
    let url = server.url().replace("/postgres?", "/latin?");
    let error = Postgres::connect(&url.parse().unwrap(), Quota::default()).await.err().unwrap();
    assert!(error.to_string().contains("LATIN1") && error.to_string().contains("[database-encoding]"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_away_is_told_in_words_and_waited_for_while_it_restarts() {
    let mut server = TestPostgres::start();
    let store = connect(&server).await;
    save(&store, 1, "before").await.unwrap();
    server.stop();
    let error = save(&store, 1, "during").await.unwrap_err();
    assert!(matches!(error, StoreError::Away { .. }) && error.to_string().contains("[database-away]"), "{error}");
    let nobody = Store::connect(&server.url().parse().unwrap(), Quota::default()).await.unwrap_err();
    assert!(matches!(nobody, StoreError::Away { .. }), "{nobody}");
    let (waited, ()) = tokio::join!(save(&store, 1, "after"), async {
        tokio::time::sleep(2 * AGAIN).await;
        tokio::task::block_in_place(|| server.start_again());
    });
    waited.unwrap();
    assert_eq!(store.work(VisitorId(1), "l".into()).await.unwrap().program.as_deref(), Some("after"));
}

/// Everything that was called saved is there after the database was ended in the middle of it, again and again.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_called_saved_is_there_when_the_database_is_restarted_under_many() {
    let mut server = TestPostgres::start();
    let store = std::sync::Arc::new(connect(&server).await);
    let ended = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let savers = (0..6_i64).map(|visitor| {
        let (store, ended) = (store.clone(), ended.clone());
        tokio::spawn(async move {
            let (mut told, mut tried) = (0, 0);
            while !ended.load(std::sync::atomic::Ordering::Relaxed) {
                tried += 1;
                if save(&store, visitor, &tried.to_string()).await.is_ok() {
                    told = tried;
                }
            }
            (visitor, told, tried)
        })
    });
    let savers: Vec<_> = savers.collect();
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| {
            server.stop();
            server.start_again();
        });
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    ended.store(true, std::sync::atomic::Ordering::Relaxed);
    for saver in savers {
        let (visitor, told, tried) = saver.await.unwrap();
        let work = store.work(VisitorId(visitor), "l".into()).await.unwrap();
        let kept: i32 = work.program.unwrap().parse().unwrap();
        // The last ones may have been kept without anybody having heard of it.
        assert!(told > 10 && (told..=tried).contains(&kept), "{kept} of {told} told and {tried} tried");
    }
}

#[tokio::test]
async fn processes_hear_of_each_others_changes_and_of_who_is_where() {
    let server = TestPostgres::start();
    let (one, other) = (connect(&server).await, connect(&server).await);
    let id = one.add_class(&Class::sample("314159")).await.unwrap();
    let otter = one.add_seat(id, &seat("otter")).await.unwrap();
    let mut listener = other.others().unwrap().listen().await.unwrap();
    assert_eq!(listener.next().await, Some(Heard::Anything));
    let here = Presence { seat: otter, streams: 2, came: 5, seen: 6 };
    let nobody = Presence { seat: crate::class::SeatId(999), ..here };
    one.others().unwrap().tell(&[id], &[here, nobody]).await.unwrap();
    assert_eq!(listener.next().await, Some(Heard::Class(id)));
    let sight = other.others().unwrap().sight(id).await.unwrap().unwrap();
    assert_eq!(sight.seats[&otter], (0, Elsewhere { streams: 2, came: 5, seen: 6, stirred: 1 }));
    let mine = one.others().unwrap().sight(id).await.unwrap().unwrap();
    assert_eq!(mine.seats[&otter].1, Elsewhere::default(), "what is here is not elsewhere");
    let survey = other.others().unwrap().survey().await.unwrap()[&id];
    assert_eq!(survey, Survey { revision: 0, seats: otter.0, revisions: 0, elsewhere: 4 });
    // Its own words it does not hear; a process that ends takes its pages along.
    other.others().unwrap().tell(&[id], &[]).await.unwrap();
    one.others().unwrap().leave(&[id]).await.unwrap();
    assert_eq!((listener.next().await, listener.heard()), (Some(Heard::Class(id)), None));
    let sight = other.others().unwrap().sight(id).await.unwrap().unwrap();
    assert_eq!(sight.seats[&otter].1, Elsewhere::default());
    let guessing = Guessing { failures: 7, places: 2 };
    let beat = one.others().unwrap().beat(guessing).await.unwrap();
    assert_eq!(beat, Beat { forgotten: true, guessing: Guessing::default() }, "the others have forgotten it");
    assert!(!one.others().unwrap().beat(guessing).await.unwrap().forgotten);
    assert_eq!(other.others().unwrap().beat(Guessing::default()).await.unwrap(), Beat { forgotten: false, guessing });
}

#[tokio::test]
async fn a_report_that_is_left_lying_is_taken_over_once() {
    use super::super::{ReportStore as _, WaitingCheck};

    let server = TestPostgres::start();
    let (one, other) = (connect(&server).await, connect(&server).await);
    let check = WaitingCheck { visitor: VisitorId(1), lesson: "l".into(), program: "x".into() };
    one.report_check(check.clone(), json!({ "passed": true }), Box::new(|_| true)).await.unwrap();
    assert_eq!(other.waiting_check().await.unwrap(), None, "the process that was told runs it");
    let client = one.client("letting time pass").await.unwrap();
    client.batch_execute("UPDATE waiting_check SET at = at - 100").await.unwrap();
    assert_eq!(other.waiting_check().await.unwrap(), Some(check.clone()));
    assert_eq!(one.waiting_check().await.unwrap(), None, "it is the other's now");
    assert_eq!(other.waiting_check().await.unwrap(), Some(check));
}

#[tokio::test]
async fn what_was_overtaken_is_changed_from_what_there_is_by_then() {
    let server = TestPostgres::start();
    let (one, other) = (connect(&server).await, connect(&server).await);
    let id = one.add_class(&Class::sample("314159")).await.unwrap();
    let changes = (0..40).map(|n| {
        let store = if n % 2 == 0 { &one } else { &other };
        async move {
            store
                .others
                .change_class(id, |class| {
                    class.touched += 1;
                    true
                })
                .await
                .unwrap()
        }
    });
    futures_util::future::join_all(changes).await;
    let unchanged = one.others.change_class(id, |_| false).await.unwrap();
    assert_eq!((unchanged.touched, unchanged.revision), (40, 40), "no change is lost, and none counts up");
    one.delete_class(id).await.unwrap();
    assert!(matches!(other.others.change_class(id, |_| true).await, Err(StoreError::Outdated)));
}

/// A class is deleted while somebody comes in: the one waits for the other, and nothing of the learner is left.
#[tokio::test]
async fn who_joins_while_the_class_is_deleted_is_not_left_behind() {
    let server = TestPostgres::start();
    let (one, other) = (connect(&server).await, connect(&server).await);
    let id = one.add_class(&Class::sample("314159")).await.unwrap();
    let otter = one.add_seat(id, &seat("otter")).await.unwrap();
    let mut holds = one.client("keeping something of a learner").await.unwrap();
    let kept = holds.transaction().await.unwrap();
    kept.execute("SELECT 1 FROM seat WHERE id = $1 FOR KEY SHARE", &[&otter.0]).await.unwrap();
    let late = seat("wren");
    let joins = async {
        tokio::time::sleep(2 * AGAIN).await;
        let joined = tokio::time::timeout(4 * AGAIN, other.add_seat(id, &late));
        assert!(joined.await.is_err(), "it waits for whether there is a class");
        kept.commit().await.unwrap();
        assert!(matches!(other.add_seat(id, &late).await, Err(StoreError::Outdated)));
    };
    let (deleted, ()) = tokio::join!(one.delete_class(id), joins);
    deleted.unwrap();
    assert!(matches!(save(&other, late.visitor.0, "x").await, Err(StoreError::Removed)));
    for table in ["class", "seat", "visitor", "work"] {
        let sql = format!("SELECT COUNT(*) FROM {table}");
        let count: i64 = one.client("counting").await.unwrap().query_one(&sql, &[]).await.unwrap().get(0);
        assert_eq!(count, 0, "{table}");
    }
}

/// Whoever does not hear of it finds it by looking: a page that is opened, and one that is closed.
#[tokio::test]
async fn a_survey_differs_with_everything_that_changes() {
    let server = TestPostgres::start();
    let (one, other) = (connect(&server).await, connect(&server).await);
    let id = one.add_class(&Class::sample("314159")).await.unwrap();
    let otter = one.add_seat(id, &seat("otter")).await.unwrap();
    let mut seen = Vec::new();
    let mut look = async || {
        let survey = other.others().unwrap().survey().await.unwrap()[&id];
        assert!(!seen.contains(&survey), "{survey:?} of {seen:?}");
        seen.push(survey);
    };
    look().await;
    let here = |streams| [Presence { seat: otter, streams, came: 5, seen: 6 }];
    for streams in [1, 2, 1, 0] {
        one.others().unwrap().tell(&[id], &here(streams)).await.unwrap();
        look().await;
    }
    one.remove_seat(otter).await.unwrap();
    one.add_seat(id, &seat("wren")).await.unwrap();
    look().await;
    one.save_class(&Class { id, ..Class::sample("314159") }).await.unwrap();
    look().await;
}

#[tokio::test]
async fn a_user_without_rights_is_told_which_to_give_and_may_use_what_was_made_for_them() {
    let server = TestPostgres::start();
    let admin = connect(&server).await.client("making a user").await.unwrap();
    for sql in ["CREATE ROLE poor LOGIN", "CREATE DATABASE school"] {
        admin.batch_execute(sql).await.unwrap();
    }
    let url = server.url().replace("isrlab@/postgres", "poor@/school");
    let refused = Postgres::connect(&url.parse().unwrap(), Quota::default()).await.err().unwrap();
    assert!(
        refused.to_string().contains("GRANT CREATE") && refused.to_string().contains("[database-rights]"),
        "{refused}"
    );
    let (client, connection) =
        tokio_postgres::connect(&server.url().replace("/postgres?", "/school?"), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("CREATE SCHEMA isrlab AUTHORIZATION poor").await.unwrap();
    let store = Postgres::connect(&url.parse().unwrap(), Quota::default()).await.unwrap();
    save(&store, 1, "x").await.unwrap();
}

#[tokio::test]
async fn when_the_quota_is_used_up_work_can_still_be_made_smaller() {
    let server = TestPostgres::start();
    let quota = Quota { bytes: 100_000, visitor_bytes: 100_000 };
    let store = Postgres::connect(&server.url().parse().unwrap(), quota).await.unwrap();
    save(&store, 1, &"x".repeat(80_000)).await.unwrap();
    let error = save(&store, 2, &"x".repeat(80_000)).await.unwrap_err();
    assert!(error.is_disk_full(), "{error}");
    assert!(save(&store, 2, "y").await.unwrap_err().is_disk_full(), "for a second nothing is added up");
    save(&store, 1, &"x".repeat(9_000)).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    save(&store, 2, &"x".repeat(80_000)).await.unwrap();
}
