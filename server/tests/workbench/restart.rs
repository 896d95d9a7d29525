//! A killed server has lost nothing that it acknowledged.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;

use super::learner::{AGAIN, PIN, Page, SAVE_INTERVAL, start_class};
use super::process::Server;

fn start(data: &Path) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    Server::start(command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data))
}

#[test]
fn answers_and_edits_survive_a_kill_during_a_run() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let cookie = server.ask("GET", "/api/boards", "", "").cookie();
    let started = loop {
        let body = json!({ "lesson": "lost-update", "seconds": 600 }).to_string();
        let answer = server.ask("POST", "/api/run", &cookie, &body).json();
        // The board's actor may not have said yet that the board is ready.
        if answer["error"]["code"] != "board-not-ready" {
            break answer;
        }
    };
    assert_eq!(started["id"], 1000);
    let work =
        json!({ "program": "# やり直し\ncount = 0\n", "prediction": { "plain": "zero" }, "steps": { "run": true } });
    let saved = server.ask("PUT", "/api/lessons/lost-update/work", &cookie, &work.to_string());
    assert_eq!(saved.json()["saved"], true);
    drop(server);

    let server = start(data.path());
    let found = server.ask("GET", "/api/lessons/lost-update/work", &cookie, "");
    assert!(!found.head.contains("set-cookie"), "the visitor is known");
    for part in ["program", "prediction", "steps"] {
        assert_eq!(found.json()[part], work[part], "{part}");
    }
}

/// Saves until the server is killed, and goes on when it is back. Returns when that was.
fn through_a_kill(page: &Page) -> Instant {
    let mut acknowledged = 0;
    while page.save(acknowledged + 1) {
        acknowledged += 1;
        std::thread::sleep(SAVE_INTERVAL);
    }
    let found = loop {
        match page.saved() {
            Some(found) => break found,
            None => std::thread::sleep(AGAIN),
        }
    };
    // The last one may be on the disk without anybody having heard of it.
    assert!((acknowledged..=acknowledged + 1).contains(&found), "{found} of {acknowledged} acknowledged ones");
    let told = page.told().expect("the stream goes on");
    assert_eq!((&told["name"], &told["message"]["text"]), (&json!(page.name), &json!("ten minutes")));
    assert!(page.save(found + 1));
    Instant::now()
}

#[test]
fn a_class_goes_on_within_seconds_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let host = server.ask("GET", "/class", "", "").cookie();
    let api = start_class(&server, &host);
    let told = json!({ "tell": "message", "text": "ten minutes" }).to_string();
    assert_eq!(server.ask("POST", &format!("{api}/tell"), &host, &told).status, 200);
    let pages: Vec<Page> = (0..6).map(|number| Page::join(&server, PIN, &format!("learner{number}"))).collect();
    let address = server.address.clone();
    std::thread::scope(|scope| {
        let working: Vec<_> = pages.iter().map(|page| scope.spawn(|| through_a_kill(page))).collect();
        // In the middle of it.
        std::thread::sleep(Duration::from_millis(700));
        drop(server);
        let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
        let _again = Server::start(command.args(["serve", "--listen", &address, "--data"]).arg(data.path()));
        let back = Instant::now();
        for page in working {
            let went_on = page.join().unwrap().saturating_duration_since(back);
            assert!(went_on < Duration::from_secs(5), "somebody waited {went_on:?}");
        }
    });
}
