//! A learner's page at a served workbench.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::process::Server;

/// What opens the class that [`start_class`] makes.
pub(crate) const PIN: &str = "271828";

/// Starts a class of one lesson; returns its path in the API.
pub(crate) fn start_class(server: &Server, host: &str) -> String {
    const SALT: [u8; 16] = [0; 16];
    let class = json!({
        "isrlab_class": 1, "workbench": "", "learners": [],
        "class": {
            "title": "10b", "language": "en", "lessons": ["lost-update"], "seed": 7, "solutions": false, "pin": PIN,
            "salt": SALT, "started": 0, "ended": null, "touched": 0
        },
    });
    let path = server.ask("POST", "/api/classes", host, &class.to_string()).json()["path"].clone();
    format!("/api/classes/{}", path.as_str().unwrap().rsplit('/').next().unwrap())
}

/// A learner's page: it saves again and again, and after a failure once more, as a page does.
pub(crate) struct Page {
    pub(crate) address: String,
    pub(crate) cookie: String,
    pub(crate) name: String,
}

/// How often a page that reaches no server tries again here; the real one does so after seconds.
pub(crate) const AGAIN: Duration = Duration::from_millis(200);

/// Less often than what one visitor may ask for long.
pub(crate) const SAVE_INTERVAL: Duration = Duration::from_millis(80);

impl Page {
    pub(crate) fn join(server: &Server, pin: &str, name: &str) -> Self {
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
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> Option<(u16, Value)> {
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
    pub(crate) fn told(&self) -> Option<Value> {
        let mut stream = TcpStream::connect(&self.address).ok()?;
        let (address, cookie) = (&self.address, &self.cookie);
        write!(stream, "GET /events?board=tab HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n").ok()?;
        let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
        lines.find(|line| line == "event: class")?;
        serde_json::from_str(lines.next()?.strip_prefix("data: ")?).ok()
    }

    pub(crate) fn save(&self, number: u64) -> bool {
        let work = json!({ "program": format!("# {} {number}", self.name), "steps": { "predict": true } });
        self.ask("PUT", "/api/lessons/lost-update/work", &work.to_string()).is_some_and(|(status, _)| status == 200)
    }

    /// The number of what was saved last.
    pub(crate) fn saved(&self) -> Option<u64> {
        let (_, work) = self.ask("GET", "/api/lessons/lost-update/work", "")?;
        work["program"].as_str()?.rsplit(' ').next()?.parse().ok()
    }
}
