//! What is a file's alone: an older one, a full disk, a folder that is gone, a file that is not sound. What every database
//! keeps is tested in `store/tests.rs`.

use serde_json::json;

use super::tables::{Change, MIGRATIONS, migrate};
use super::*;

fn open(folder: Option<&Path>) -> Sqlite {
    Sqlite::open(folder, Quota::default()).unwrap()
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

/// A disk that fills up ends a whole commit. Nobody is told that something is kept that is not.
#[tokio::test]
async fn what_was_called_saved_is_there_when_the_disk_fills_up_under_many() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(Some(folder.path()));
    store.ask("limiting", |database| database.pragma_update(None, "max_page_count", 150)).await.unwrap();
    let mut told = HashSet::new();
    for round in 0..4_i64 {
        let saves = (0..60).map(|at| {
            let (store, id) = (&store, VisitorId(100 * round + at));
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
    let count = async |store: &Sqlite| {
        store.ask("counting", |db| db.query_row("SELECT COUNT(*) FROM visitor", [], |row| row.get::<_, i64>(0))).await
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
        match Sqlite::open(Some(folder.path()), Quota::default()) {
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
    assert!(Sqlite::open(Some(folder.path()), Quota::default()).err().unwrap().is_damage());
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
