//! A killed server has lost nothing that it acknowledged.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

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

/// A learner's page: it saves again and again, and after a failure once more, as a page does.
struct Page {
    address: String,
    cookie: String,
    name: String,
}

/// How often a page that reaches no server tries again here; the real one does so after seconds.
const AGAIN: Duration = Duration::from_millis(200);

/// Less often than what one visitor may ask for long.
const SAVE_INTERVAL: Duration = Duration::from_millis(80);

impl Page {
    fn join(server: &Server, pin: &str, name: &str) -> Self {
        let visitor = server.ask("GET", "/join", "", "").cookie();
        let form = format!("pin={pin}&name={name}");
        let headers = [
            ("Host", server.address.as_str()),
            ("Cookie", visitor.as_str()),
            ("Content-Type", "application/x-www-form-urlencoded"),
        ];
        let mut stream = TcpStream::connect(&server.address).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = form.len();
        write!(stream, "POST /join HTTP/1.1\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{form}")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let seat =
            answer.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).find(|line| line.starts_with("seat="));
        let seat = seat.and_then(|cookie| cookie.split(';').next()).expect("the learner gets in");
        Self { address: server.address.clone(), cookie: format!("{visitor}; {seat}"), name: name.to_owned() }
    }

    /// One request; `None`: nobody answered it to the end.
    fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let (address, cookie, length) = (&self.address, &self.cookie, body.len());
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        )
        .ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, serde_json::from_str(body).ok()?))
    }

    /// What the class's stream says first.
    fn told(&self) -> Option<Value> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let (address, cookie) = (&self.address, &self.cookie);
        write!(stream, "GET /events?board=tab HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n").ok()?;
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.find(|line| line == "event: class")?;
        serde_json::from_str(lines.next()?.strip_prefix("data: ")?).ok()
    }

    fn save(&self, number: u64) -> bool {
        let work = json!({ "program": format!("# {} {number}", self.name), "steps": { "predict": true } });
        self.ask("PUT", "/api/lessons/lost-update/work", &work.to_string()).is_some_and(|(status, _)| status == 200)
    }

    /// The number of what was saved last.
    fn saved(&self) -> Option<u64> {
        let (_, work) = self.ask("GET", "/api/lessons/lost-update/work", "")?;
        work["program"].as_str()?.rsplit(' ').next()?.parse().ok()
    }

    /// Saves until the server is killed, and goes on when it is back. Returns when that was.
    fn through_a_kill(&self) -> Instant {
        let mut acknowledged = 0;
        while self.save(acknowledged + 1) {
            acknowledged += 1;
            std::thread::sleep(SAVE_INTERVAL);
        }
        let found = loop {
            match self.saved() {
                Some(found) => break found,
                None => std::thread::sleep(AGAIN),
            }
        };
        // The last one may be on the disk without anybody having heard of it.
        assert!((acknowledged..=acknowledged + 1).contains(&found), "{found} of {acknowledged} acknowledged ones");
        let told = self.told().expect("the stream goes on");
        assert_eq!((&told["name"], &told["message"]["text"]), (&json!(self.name), &json!("ten minutes")));
        assert!(self.save(found + 1));
        Instant::now()
    }
}

#[test]
fn a_class_goes_on_within_seconds_after_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let server = start(data.path());
    let host = server.ask("GET", "/class", "", "").cookie();
    const SALT: [u8; 16] = [0; 16];
    let class = json!({
        "isrlab_class": 1, "workbench": "", "learners": [],
        "class": {
            "title": "10b", "language": "en", "lessons": ["lost-update"], "seed": 7, "solutions": false, "pin": "271828",
            "salt": SALT, "started": 0, "ended": null, "touched": 0
        },
    });
    let path = server.ask("POST", "/api/classes", &host, &class.to_string()).json()["path"].clone();
    let api = format!("/api/classes/{}", path.as_str().unwrap().rsplit('/').next().unwrap());
    let told = json!({ "tell": "message", "text": "ten minutes" }).to_string();
    assert_eq!(server.ask("POST", &format!("{api}/tell"), &host, &told).status, 200);
    let pages: Vec<Page> = (0..6).map(|number| Page::join(&server, "271828", &format!("learner{number}"))).collect();
    let address = server.address.clone();
    std::thread::scope(|scope| {
        let working: Vec<_> = pages.iter().map(|page| scope.spawn(|| page.through_a_kill())).collect();
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
