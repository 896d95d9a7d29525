//! What every database keeps and refuses: each test runs on a file, and on a PostgreSQL of its own.

use serde_json::json;

use super::*;
use crate::class::{Nickname, Progress, SALT_BYTES};

/// Where a database is.
enum Bed {
    File(tempfile::TempDir),
    #[cfg(unix)]
    Postgres(test_postgres::TestPostgres),
}

impl Bed {
    fn file() -> Self {
        Self::File(tempfile::tempdir().unwrap())
    }

    #[cfg(unix)]
    fn postgres() -> Self {
        Self::Postgres(test_postgres::TestPostgres::start())
    }

    async fn open(&self) -> Store {
        self.open_with(Quota::default()).await
    }

    async fn open_with(&self, quota: Quota) -> Store {
        match self {
            Self::File(folder) => Store::open(Some(folder.path()), quota).unwrap(),
            #[cfg(unix)]
            Self::Postgres(server) => Store::connect(&server.url().parse().unwrap(), quota).await.unwrap(),
        }
    }

    /// How many rows a table has.
    async fn count(&self, table: &str) -> i64 {
        match self {
            Self::File(folder) => {
                let file = rusqlite::Connection::open(folder.path().join("isrlab.sqlite3")).unwrap();
                file.query_row(&format!("SELECT COUNT(*) FROM {table}"), [], |row| row.get(0)).unwrap()
            }
            #[cfg(unix)]
            Self::Postgres(server) => {
                let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await.unwrap();
                tokio::spawn(connection);
                let sql = format!("SELECT COUNT(*) FROM isrlab.{table}");
                client.query_one(&sql, &[]).await.unwrap().get(0)
            }
        }
    }
}

/// Runs each of these on both.
macro_rules! on_every_database {
    ($($test:ident),* $(,)?) => {
        mod on_a_file {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Bed::file()).await;
            })*
        }
        #[cfg(unix)]
        mod on_postgres {
            $(#[tokio::test]
            async fn $test() {
                super::$test(super::Bed::postgres()).await;
            })*
        }
    };
}

on_every_database! {
    of_many_who_save_at_once_each_hears_of_their_own,
    work_comes_back_as_it_was_left,
    a_program_may_have_any_character,
    the_outcome_table_is_bounded,
    who_only_looks_leaves_nothing,
    the_key_of_the_visitors_secrets_outlives_a_restart,
    a_visitor_has_a_share_and_all_of_them_a_size_that_is_not_outgrown,
    of_reported_checks_the_newest_waits_and_only_its_own_result_counts,
    a_class_comes_back_as_it_was_left,
    of_a_removed_learner_nothing_is_kept_any_more,
    of_a_deleted_class_no_row_remains,
    a_class_that_is_brought_in_is_as_it_was_taken_out,
    a_class_is_sampled_by_everybodys_newest_run_of_one_setting,
}

fn allowed() -> Allowance {
    Box::new(|_| true)
}

/// Text that does not shrink to nothing.
fn saved(size: usize) -> SavedWork {
    SavedWork { program: Some("x".repeat(size)), ..SavedWork::default() }
}

fn class(pin: &str) -> Class {
    Class { salt: [3; SALT_BYTES], started: 1, touched: 2, ..Class::sample(pin) }
}

pub(super) fn seat(name: &str) -> Seat {
    Seat::new(&Nickname::read(name).unwrap(), VisitorId::of_a_new_seat().unwrap(), [7; 32], 5)
}

/// A class with these learners in it.
async fn class_with(store: &Store, pin: &str, names: &[&str]) -> (ClassId, Vec<Seat>) {
    let id = store.add_class(&class(pin)).await.unwrap();
    let mut seats = Vec::new();
    for name in names {
        let mut seat = seat(name);
        seat.id = store.add_seat(id, &seat).await.unwrap();
        seats.push(seat);
    }
    (id, seats)
}

/// A class saves at once: one commit for many.
async fn of_many_who_save_at_once_each_hears_of_their_own(bed: Bed) {
    let quota = Quota { visitor_bytes: 1000, ..Quota::default() };
    let store = bed.open_with(quota).await;
    let saves = (0..200_i64).map(|id| {
        let store = store.clone();
        let size = if id % 7 == 0 { 2000 } else { 100 + id as usize };
        async move { (id, store.save_work(VisitorId(id), "l".into(), saved(size), allowed()).await) }
    });
    for (id, result) in futures_util::future::join_all(saves).await {
        let work = store.work(VisitorId(id), "l".into()).await.unwrap();
        let kept = work.program.map(|program| program.len());
        match id % 7 {
            0 => assert!(matches!(result, Err(StoreError::TooMuch)) && kept.is_none(), "{id}: {result:?} {kept:?}"),
            _ => assert!(result.is_ok() && kept == Some(100 + id as usize), "{id}: {result:?} {kept:?}"),
        }
    }
}

async fn work_comes_back_as_it_was_left(bed: Bed) {
    let (store, visitor) = (bed.open().await, VisitorId(7));
    assert_eq!(store.find_visitor("t".into()).await.unwrap(), None);
    assert_eq!(store.work(visitor, "lost-update".into()).await.unwrap(), Work::default());

    let saved =
        SavedWork { program: Some("x = 'é'".into()), prediction: json!({"plain":"zero"}), steps: json!({"run":true}) };
    store.save_work(visitor, "lost-update".into(), saved.clone(), allowed()).await.unwrap();
    store.save_check(visitor, "lost-update".into(), json!({"passed":false})).await.unwrap();
    let first = store.add_outcome(visitor, "lost-update".into(), json!({"seed":7})).await.unwrap();
    assert_eq!(first["n"], 1);
    store.add_outcome(visitor, "lost-update".into(), json!({"seed":8})).await.unwrap();
    let work = store.work(visitor, "lost-update".into()).await.unwrap();
    assert_eq!((work.program, work.prediction, work.steps), (saved.program, saved.prediction, saved.steps));
    assert_eq!(work.last_check, Some(json!({"passed":false})));
    assert_eq!((work.failures, work.passed), (1, false));
    store.save_check(visitor, "lost-update".into(), json!({"passed":true})).await.unwrap();
    store.save_check(visitor, "lost-update".into(), json!({"passed":false})).await.unwrap();
    let all = store.all_work(visitor).await.unwrap();
    assert_eq!((all.len(), all[0].1.failures, all[0].1.passed), (1, 2, true), "what is passed stays passed");
    assert_eq!(work.outcomes.iter().map(|row| row["n"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2]);

    let other = VisitorId(8);
    assert_eq!(store.work(other, "lost-update".into()).await.unwrap(), Work::default(), "visitors are kept apart");
    store.clear_outcomes(visitor, "lost-update".into()).await.unwrap();
    assert!(store.work(visitor, "lost-update".into()).await.unwrap().outcomes.is_empty());
}

async fn a_program_may_have_any_character(bed: Bed) {
    let store = bed.open().await;
    let program = "x = '\0\u{1f600}\r\n'".to_owned();
    let work = SavedWork { program: Some(program.clone()), prediction: json!({ "a": "\0" }), steps: json!(["\0"]) };
    store.save_work(VisitorId(1), "l".into(), work.clone(), allowed()).await.unwrap();
    let row = json!({ "program": "own\0", "settings": { "\0": 1 } });
    store.add_outcome(VisitorId(1), "l".into(), row.clone()).await.unwrap();
    store.save_check(VisitorId(1), "l".into(), json!({ "passed": true, "words": "\0" })).await.unwrap();
    let found = store.work(VisitorId(1), "l".into()).await.unwrap();
    assert_eq!((found.program, found.prediction, found.steps), (work.program, work.prediction, work.steps));
    assert_eq!((&found.outcomes[0]["program"], &found.outcomes[0]["settings"]), (&row["program"], &row["settings"]));
    let check = WaitingCheck { visitor: VisitorId(1), lesson: "m".into(), program };
    store.report_check(check.clone(), json!({ "passed": true }), allowed()).await.unwrap();
    assert_eq!(store.waiting_check().await.unwrap(), Some(check.clone()));
    assert_eq!(store.settle_check(check, Some(true)).await.unwrap(), Some(Proof::Verified));
}

async fn the_outcome_table_is_bounded(bed: Bed) {
    let (store, visitor) = (bed.open().await, VisitorId(7));
    for seed in 0..OUTCOMES_KEPT + 5 {
        store.add_outcome(visitor, "l".into(), json!({"seed":seed})).await.unwrap();
    }
    let outcomes = store.work(visitor, "l".into()).await.unwrap().outcomes;
    assert_eq!((outcomes.len() as u32, outcomes[0]["seed"].as_u64()), (OUTCOMES_KEPT, Some(5)));
    assert_eq!(outcomes.last().unwrap()["n"], OUTCOMES_KEPT + 5);
}

async fn who_only_looks_leaves_nothing(bed: Bed) {
    let store = bed.open().await;
    store.work(VisitorId(1), "l".into()).await.unwrap();
    store.all_work(VisitorId(2)).await.unwrap();
    store.clear_outcomes(VisitorId(3), "l".into()).await.unwrap();
    store.save_work(VisitorId(4), "l".into(), saved(9), allowed()).await.unwrap();
    assert_eq!(bed.count("visitor").await, 1);
}

async fn the_key_of_the_visitors_secrets_outlives_a_restart(bed: Bed) {
    let key = *bed.open().await.key();
    assert_eq!(*bed.open().await.key(), key);
    assert_ne!(*Store::open(None, Quota::default()).unwrap().key(), key);
}

async fn a_visitor_has_a_share_and_all_of_them_a_size_that_is_not_outgrown(bed: Bed) {
    let quota = Quota { bytes: 1 << 20, visitor_bytes: 64 << 10 };
    let store = bed.open_with(quota).await;
    let keep = |id, lesson: &str, size| store.save_work(VisitorId(id), lesson.to_owned(), saved(size), allowed());
    keep(1, "a", 60 << 10).await.unwrap();
    assert!(matches!(keep(1, "b", 10 << 10).await, Err(StoreError::TooMuch)));
    keep(1, "a", 1 << 10).await.unwrap();
    keep(1, "b", 10 << 10).await.unwrap();
    let refused = store.save_work(VisitorId(2), "a".into(), saved(9), Box::new(|_| false)).await;
    assert!(matches!(refused, Err(StoreError::TooMuch)), "the place has had its share");
    // Strangers fill the file with outcomes; a pupil's work still finds room, until there is work alone.
    for id in 10..200 {
        let row = json!({ "text": "y".repeat(20_000) });
        store.add_outcome(VisitorId(id), "a".into(), row).await.unwrap();
    }
    keep(3, "a", 60 << 10).await.unwrap();
    let mut refused = None;
    for id in 1000..1100 {
        refused = refused.or(keep(id, "a", 60 << 10).await.err());
    }
    assert!(refused.is_some_and(|error| error.is_disk_full()));
    assert_eq!(store.work(VisitorId(3), "a".into()).await.unwrap().program, saved(60 << 10).program);
}

async fn of_reported_checks_the_newest_waits_and_only_its_own_result_counts(bed: Bed) {
    let store = bed.open().await;
    let check = |program: &str| WaitingCheck { visitor: VisitorId(1), lesson: "l".into(), program: program.into() };
    let report = |program, passed| store.report_check(check(program), json!({ "passed": passed }), allowed());
    assert_eq!(report("a", false).await.unwrap(), Proof::None);
    assert_eq!(store.waiting_check().await.unwrap(), None);
    assert_eq!(report("b", true).await.unwrap(), Proof::Reported);
    assert_eq!(report("c", true).await.unwrap(), Proof::Reported);
    assert_eq!(store.waiting_check().await.unwrap(), Some(check("c")));
    assert_eq!(store.settle_check(check("b"), Some(true)).await.unwrap(), None, "a newer one has taken its place");
    assert_eq!(store.settle_check(check("c"), Some(false)).await.unwrap(), Some(Proof::Refused));
    let work = store.work(VisitorId(1), "l".into()).await.unwrap();
    assert_eq!((work.passed, work.failures, work.proof), (false, 1, Proof::Refused));
    report("d", true).await.unwrap();
    assert_eq!(store.settle_check(check("d"), Some(true)).await.unwrap(), Some(Proof::Verified));
    assert_eq!(report("e", true).await.unwrap(), Proof::Verified, "once is enough");
    assert_eq!(store.waiting_check().await.unwrap(), None);
    assert!(store.work(VisitorId(1), "l".into()).await.unwrap().passed);
    let refused = store.report_check(
        WaitingCheck { lesson: "m".into(), ..check("f") },
        json!({ "passed": true }),
        Box::new(|_| false),
    );
    assert!(matches!(refused.await, Err(StoreError::TooMuch)));
    assert_eq!(store.work(VisitorId(1), "m".into()).await.unwrap().proof, Proof::None, "nothing was changed");
}

async fn a_class_comes_back_as_it_was_left(bed: Bed) {
    let store = bed.open().await;
    let (id, mut seats) = class_with(&store, "314159", &["otter", "wren"]).await;
    let mut class = Class { id, title: "10c".into(), ended: Some(9), ..class("271828") };
    class.told.eyes = true;
    class.revision = store.save_class(&class).await.unwrap();
    let otter = &mut seats[0];
    otter.hand = Some(8);
    for lesson in ["torn-read", "lost-update"] {
        otter.work.insert(lesson.into(), Progress { failed: 1, ..Progress::default() });
        otter.revision = store.save_seat(otter, Some(lesson)).await.unwrap();
    }
    otter.work.insert("lost-update".into(), Progress { failed: 2, ..Progress::default() });
    otter.revision = store.save_seat(otter, Some("lost-update")).await.unwrap();
    class.seats = seats.iter().map(|seat| (seat.id, seat.clone())).collect();
    drop(store);
    let mut found = bed.open().await.classes().await.unwrap();
    for seat in found[0].seats.values_mut() {
        // When this process saw them first is not kept.
        seat.came = 5;
    }
    assert_eq!(found, [class]);
}

async fn of_a_removed_learner_nothing_is_kept_any_more(bed: Bed) {
    let store = bed.open().await;
    let (id, seats) = class_with(&store, "314159", &["otter", "wren"]).await;
    let (otter, wren) = (&seats[0], &seats[1]);
    for seat in &seats {
        store.save_work(seat.visitor, "l".into(), saved(9), allowed()).await.unwrap();
        store.add_outcome(seat.visitor, "l".into(), json!({ "seed": 7 })).await.unwrap();
    }
    let check = WaitingCheck { visitor: otter.visitor, lesson: "l".into(), program: "x".into() };
    store.report_check(check.clone(), json!({ "passed": true }), allowed()).await.unwrap();
    store.remove_seat(otter.id).await.unwrap();
    for table in ["visitor", "work", "outcome", "seat"] {
        assert_eq!(bed.count(table).await, 1, "{table}: the other one is left");
    }
    assert_eq!(bed.count("waiting_check").await, 0);
    // What was under way comes too late.
    let late = store.save_work(otter.visitor, "l".into(), saved(9), allowed()).await;
    assert!(matches!(late, Err(StoreError::Removed)), "{late:?}");
    assert!(matches!(store.save_check(otter.visitor, "l".into(), json!({})).await, Err(StoreError::Removed)));
    assert!(matches!(store.add_outcome(otter.visitor, "l".into(), json!({})).await, Err(StoreError::Removed)));
    assert!(matches!(store.settle_check(check, Some(true)).await, Err(StoreError::Removed)));
    assert_eq!(bed.count("visitor").await, 1);
    assert_eq!(store.classes().await.unwrap()[0].seats.keys().collect::<Vec<_>>(), [&wren.id]);
    assert_eq!(store.classes().await.unwrap()[0].id, id);
}

async fn of_a_deleted_class_no_row_remains(bed: Bed) {
    let store = bed.open().await;
    let (kept, _) = class_with(&store, "271828", &["otter"]).await;
    let (id, mut seats) = class_with(&store, "314159", &["otter", "wren"]).await;
    for seat in &mut seats {
        seat.work.insert("l".into(), Progress::default());
        store.save_seat(seat, Some("l")).await.unwrap();
        store.save_work(seat.visitor, "l".into(), saved(9), allowed()).await.unwrap();
        store.add_outcome(seat.visitor, "l".into(), json!({ "seed": 7 })).await.unwrap();
        let check = WaitingCheck { visitor: seat.visitor, lesson: "l".into(), program: "x".into() };
        store.report_check(check, json!({ "passed": true }), allowed()).await.unwrap();
    }
    store.delete_class(id).await.unwrap();
    for table in ["visitor", "work", "outcome", "waiting_check", "progress"] {
        assert_eq!(bed.count(table).await, 0, "{table}");
    }
    assert_eq!((bed.count("class").await, bed.count("seat").await), (1, 1));
    assert_eq!(store.classes().await.unwrap()[0].id, kept);
}

async fn a_class_that_is_brought_in_is_as_it_was_taken_out(bed: Bed) {
    let store = bed.open().await;
    let work = Work {
        program: Some("x = 1".into()),
        prediction: json!({ "plain": "zero" }),
        steps: json!({ "run": true }),
        last_check: Some(json!({ "passed": true })),
        failures: 2,
        passed: true,
        proof: Proof::Reported,
        outcomes: vec![json!({ "n": 1, "at": 4, "seed": 7 }), json!({ "n": 2, "at": 5, "seed": 8 })],
    };
    let learner = |name: &str| Learner {
        seat: seat(name),
        progress: BTreeMap::from([("l".into(), Progress { failed: 2, ..Progress::default() })]),
        work: BTreeMap::from([("l".into(), work.clone())]),
        waiting: BTreeMap::from([("l".into(), "x = 1".into())]),
    };
    let learners = vec![learner("otter"), learner("wren")];
    let visitors: Vec<VisitorId> = learners.iter().map(|learner| learner.seat.visitor).collect();
    let id = store.import_class(&class("314159"), learners).await.unwrap();
    let found = store.classes().await.unwrap().remove(0);
    assert_eq!((found.id, found.pin, found.seats.len()), (id, class("314159").pin, 2));
    assert_eq!(found.seats.values().map(|seat| seat.work["l"].failed).collect::<Vec<_>>(), [2, 2]);
    assert_eq!(store.work(visitors[1], "l".into()).await.unwrap(), work);
    assert_eq!(store.waiting_programs(visitors[0]).await.unwrap()["l"], "x = 1");
    // It is run here, where nobody has reported it.
    let check = store.waiting_check().await.unwrap().unwrap();
    assert_eq!(store.settle_check(check, Some(true)).await.unwrap(), Some(Proof::Verified));
    let again = store.add_outcome(visitors[0], "l".into(), json!({})).await.unwrap();
    assert_eq!(again["n"], 3, "numbers go on");
}

async fn a_class_is_sampled_by_everybodys_newest_run_of_one_setting(bed: Bed) {
    let store = bed.open().await;
    let (id, seats) = class_with(&store, "314159", &["otter", "wren", "newt"]).await;
    let (_, others) = class_with(&store, "271828", &["otter"]).await;
    let settings = json!({ "rate": 100, "mode": "none" });
    let run = async |seat: &Seat, seed: i64, program: &str, settings: &Value| {
        let row = json!({ "seed": seed, "program": program, "settings": settings });
        store.add_outcome(seat.visitor, "l".into(), row).await.unwrap();
    };
    run(&seats[1], 1, "lesson", &settings).await;
    run(&seats[0], 2, "lesson", &settings).await;
    run(&seats[0], 3, "lesson", &settings).await;
    run(&seats[0], 4, "own", &settings).await;
    run(&seats[0], 5, "lesson", &json!({ "rate": 200, "mode": "none" })).await;
    run(&others[0], 6, "lesson", &settings).await;
    let rows = store.sample(id, "l".into(), settings.to_string()).await.unwrap();
    assert_eq!(rows.iter().map(|row| row["seed"].as_i64().unwrap()).collect::<Vec<_>>(), [3, 1]);
}
