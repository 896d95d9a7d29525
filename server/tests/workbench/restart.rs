//! A killed server has lost nothing that it acknowledged.

use std::path::Path;
use std::process::Command;

use serde_json::json;

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
