//! A killed server has lost nothing that it acknowledged.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(data: &Path) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_isrlab"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { process, address }
    }

    /// One request on a connection of its own; returns headers and body.
    fn ask(&self, method: &str, path: &str, cookie: &str, body: &str) -> (String, Value) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (host, length) = (&self.address, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), serde_json::from_str(body).unwrap_or_default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGKILL on Unix: the process gets no chance to tidy up.
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

#[test]
fn answers_and_edits_survive_a_kill_during_a_run() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let (head, _) = server.ask("GET", "/api/boards", "", "");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let started = loop {
        let (_, answer) =
            server.ask("POST", "/api/run", &cookie, &json!({ "lesson": "lost-update", "seconds": 600 }).to_string());
        // The board's actor may not have said yet that the board is ready.
        if answer["error"]["code"] != "board-not-ready" {
            break answer;
        }
    };
    assert_eq!(started["id"], 1000);
    let work =
        json!({ "program": "# やり直し\ncount = 0\n", "prediction": { "plain": "zero" }, "steps": { "run": true } });
    let (_, saved) = server.ask("PUT", "/api/lessons/lost-update/work", &cookie, &work.to_string());
    assert_eq!(saved["saved"], true);
    drop(server);

    let server = Server::start(data.path());
    let (head, found) = server.ask("GET", "/api/lessons/lost-update/work", &cookie, "");
    assert!(!head.contains("set-cookie"), "the visitor is known");
    for part in ["program", "prediction", "steps"] {
        assert_eq!(found[part], work[part], "{part}");
    }
}
