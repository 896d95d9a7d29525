//! What the store keeps, what it refuses, and what it says of a file that is not sound.

use serde_json::json;

use super::tables::{Change, MIGRATIONS, migrate};
use super::*;

fn open(folder: Option<&Path>) -> Store {
    Store::open(folder, Quota::default()).unwrap()
}

fn allowed() -> Allowance {
    Box::new(|_| true)
}

/// Text that does not shrink to nothing.
fn saved(size: usize) -> SavedWork {
    SavedWork { program: Some("x".repeat(size)), ..SavedWork::default() }
}

#[tokio::test]
async fn a_full_disk_is_told_and_what_was_there_stays() {
    let (store, visitor) = (open(None), VisitorId(7));
    store.save_work(visitor, "lost-update".into(), saved(10), allowed()).await.unwrap();
    // SQLite answers a disk without room as it answers this limit.
    store.ask("limiting", |database| database.pragma_update(None, "max_page_count", 20)).await.unwrap();
    let error = store.save_work(visitor, "lost-update".into(), saved(1 << 19), allowed()).await.unwrap_err();
    assert!(error.is_disk_full(), "{error:?}");
    assert_eq!(store.work(visitor, "lost-update".into()).await.unwrap().program, saved(10).program);
}

/// A class saves at once: one commit for many.
#[tokio::test]
async fn of_many_who_save_at_once_each_hears_of_their_own() {
    let quota = Quota { visitor_bytes: 1000, ..Quota::default() };
    let store = Store::open(None, quota).unwrap();
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

/// A disk that fills up ends a whole commit. Nobody is told that something is kept that is not.
#[tokio::test]
async fn what_was_called_saved_is_there_when_the_disk_fills_up_under_many() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(Some(folder.path()));
    store.ask("limiting", |database| database.pragma_update(None, "max_page_count", 150)).await.unwrap();
    let mut told = HashSet::new();
    for round in 0..4_i64 {
        let saves = (0..60).map(|at| {
            let (store, id) = (store.clone(), VisitorId(100 * round + at));
            let size = if at % 10 == 9 { 700_000 } else { 1000 };
            async move { store.save_work(id, "l".into(), saved(size), allowed()).await.map(|()| (id, size)) }
        });
        for saved in futures_util::future::join_all(saves).await {
            match saved {
                Ok(saved) => _ = told.insert(saved),
                Err(error) => assert!(error.is_disk_full(), "{error:?}"),
            }
        }
    }
    assert!(told.len() > 60, "{} of 240: whoever fills the disk up fails alone later", told.len());
    drop(store);
    let store = open(Some(folder.path()));
    for (id, size) in told {
        let work = store.work(id, "l".into()).await.unwrap();
        assert_eq!(work.program.map(|program| program.len()), Some(size), "{id:?}");
    }
}

#[tokio::test]
async fn work_comes_back_as_it_was_left() {
    let (store, visitor) = (open(None), VisitorId(7));
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

#[tokio::test]
async fn the_outcome_table_is_bounded() {
    let (store, visitor) = (open(None), VisitorId(7));
    for seed in 0..OUTCOMES_KEPT + 5 {
        store.add_outcome(visitor, "l".into(), json!({"seed":seed})).await.unwrap();
    }
    let outcomes = store.work(visitor, "l".into()).await.unwrap().outcomes;
    assert_eq!((outcomes.len() as u32, outcomes[0]["seed"].as_u64()), (OUTCOMES_KEPT, Some(5)));
    assert_eq!(outcomes.last().unwrap()["n"], OUTCOMES_KEPT + 5);
}

#[tokio::test]
async fn secrets_of_an_older_database_are_hashed_and_still_known() {
    let folder = tempfile::tempdir().unwrap();
    let secret = "5ec2e7".repeat(10);
    {
        let old = Connection::open(folder.path().join(FILE)).unwrap();
        let Change::Sql(sql) = MIGRATIONS[0] else { unreachable!() };
        old.execute_batch(sql).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        let sql = "INSERT INTO visitor (id, secret, created, seen) VALUES (7, ?1, 0, 0)";
        old.execute(sql, params![secret]).unwrap();
        let sql = "INSERT INTO work (visitor, lesson, updated) VALUES (7, 'lost-update', 0)";
        old.execute(sql, []).unwrap();
    }
    let store = open(Some(folder.path()));
    assert_eq!(store.find_visitor(secret.clone()).await.unwrap(), Some(VisitorId(7)));
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(!bytes.windows(secret.len()).any(|piece| piece == secret.as_bytes()), "{secret} can be read");
    }
}

#[test]
fn a_database_of_the_future_is_left_alone() {
    let mut database = Connection::open_in_memory().unwrap();
    database.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(migrate(&mut database), Err(StoreError::Newer { found: 99, .. })));
}

#[tokio::test]
async fn who_only_looks_leaves_nothing_and_who_saves_is_a_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(Some(folder.path()));
    store.work(VisitorId(1), "l".into()).await.unwrap();
    store.all_work(VisitorId(2)).await.unwrap();
    store.clear_outcomes(VisitorId(3), "l".into()).await.unwrap();
    store.save_work(VisitorId(4), "l".into(), saved(9), allowed()).await.unwrap();
    let count = |store: &Store| {
        let store = store.clone();
        async move {
            store
                .ask("counting", |db| db.query_row("SELECT COUNT(*) FROM visitor", [], |row| row.get::<_, i64>(0)))
                .await
        }
    };
    assert_eq!(count(&store).await.unwrap(), 1_i64);
    // An older workbench kept everybody who had ever opened a page.
    let sql = "INSERT INTO visitor (id, secret_hash, created, seen) VALUES (9, 'h', 0, 0)";
    store.ask("adding", |database| database.execute(sql, [])).await.unwrap();
    drop(store);
    let again = open(Some(folder.path()));
    assert_eq!(count(&again).await.unwrap(), 1_i64, "and forgets them");
    assert_eq!(again.work(VisitorId(4), "l".into()).await.unwrap().program, saved(9).program);
}

#[tokio::test]
async fn the_key_of_the_visitors_secrets_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let key = *open(Some(folder.path())).key();
    assert_eq!(*open(Some(folder.path())).key(), key);
    assert_ne!(*open(None).key(), key);
}

#[cfg(unix)]
#[tokio::test]
async fn a_deleted_or_replaced_folder_is_told_and_nothing_is_called_saved() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let store = open(Some(&data));
    store.save_work(VisitorId(1), "l".into(), saved(9), allowed()).await.unwrap();
    std::fs::rename(&data, folder.path().join("away")).unwrap();
    let error = store.save_work(VisitorId(1), "l".into(), saved(9), allowed()).await.unwrap_err();
    assert!(matches!(error, StoreError::Gone(_)), "{error:?}");
    assert!(store.save_check(VisitorId(1), "l".into(), json!({})).await.is_err());
    assert!(store.add_outcome(VisitorId(1), "l".into(), json!({})).await.is_err());
    drop(open(Some(&data)));
    assert!(store.save_check(VisitorId(1), "l".into(), json!({})).await.is_err(), "another file of the same name");
}

#[tokio::test]
async fn a_damaged_database_is_refused_with_words_wherever_the_damage_is() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(Some(folder.path()));
    for lesson in 0..8 {
        store.save_work(VisitorId(1), lesson.to_string(), saved(9000), allowed()).await.unwrap();
    }
    store.ask("ending", |db| db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))).await.unwrap();
    drop(store);
    let path = folder.path().join(FILE);
    // The thread closes the file some time after the last handle is gone, and takes its log along.
    while folder.path().join(format!("{FILE}-wal")).exists() {
        thread::yield_now();
    }
    let whole = std::fs::read(&path).unwrap();
    let mut found = 0;
    for part in 0..10 {
        let mut bytes = whole.clone();
        let from = bytes.len() * part / 10;
        let until = bytes.len() * (part + 1) / 10;
        bytes[from..until].iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 37) as u8);
        std::fs::write(&path, bytes).unwrap();
        match Store::open(Some(folder.path()), Quota::default()) {
            Err(error) => {
                let told = error.to_string();
                assert!(error.is_damage() && told.contains("[database-damaged]"), "part {part}: {told}");
                found += 1;
            }
            // Text within a page can be anything; it is read all the same.
            Ok(store) => {
                store.all_work(VisitorId(1)).await.unwrap();
                store.work(VisitorId(1), "1".into()).await.unwrap();
            }
        }
        for ending in ["-wal", "-shm"] {
            _ = std::fs::remove_file(folder.path().join(format!("{FILE}{ending}")));
        }
    }
    assert!(found >= 3, "{found} of 10 parts");
    std::fs::write(&path, b"this is no database, and long enough to be looked at as one").unwrap();
    assert!(Store::open(Some(folder.path()), Quota::default()).unwrap_err().is_damage());
}

#[tokio::test]
async fn a_visitor_has_a_share_and_all_of_them_a_file_that_does_not_outgrow_its_size() {
    let quota = Quota { bytes: 1 << 20, visitor_bytes: 64 << 10 };
    let store = Store::open(None, quota).unwrap();
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

#[tokio::test]
async fn what_passed_before_there_were_reports_was_seen_by_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let mut old = Connection::open(folder.path().join(FILE)).unwrap();
    for (version, migration) in MIGRATIONS.iter().enumerate().take(4) {
        match migration {
            Change::Sql(sql) => old.execute_batch(sql).unwrap(),
            Change::Code(code) => code(&old).unwrap(),
        }
        old.pragma_update(None, "user_version", version as u32 + 1).unwrap();
    }
    let sql = "INSERT INTO visitor (id, secret_hash, created, seen) VALUES (1, 'h', 0, 0);
        INSERT INTO work (visitor, lesson, passed, updated) VALUES (1, 'passed', 1, 0), (1, 'open', 0, 0)";
    old.execute_batch(sql).unwrap();
    migrate(&mut old).unwrap();
    drop(old);
    let store = open(Some(folder.path()));
    let proof = async |lesson: &str| store.work(VisitorId(1), lesson.into()).await.unwrap().proof;
    assert_eq!((proof("passed").await, proof("open").await), (Proof::Verified, Proof::None));
}

#[tokio::test]
async fn of_reported_checks_the_newest_waits_and_only_its_own_result_counts() {
    let store = open(None);
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
