//! A class of 20 at work beside 200 visitors who mean no good, all of them at one address.
//!
//! `cargo xtask soak-visitors SECONDS` runs it. The server is a process of its own on a free port of loopback; whatever the
//! strangers do is bounded by the time given, and by what one process can do. Half of the class have a seat, the others only
//! opened a page. It fails where a pupil's page waits: 95 of 100 requests of each half within [`CLASS_P95`], every check
//! finished and right, and none of their work lost.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a soak that finds something is to end with it")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const CLASS: usize = 20;
const STRANGERS: usize = 200;
/// 95 of 100 requests of the class are answered within this.
const CLASS_P95: Duration = Duration::from_millis(150);
/// The class comes in within this.
const COMING: Duration = Duration::from_secs(5);
/// How long a pupil reads and types between two requests.
const THINKING: Duration = Duration::from_millis(700);
/// Of so many rounds one ends with a check.
const ROUNDS_TO_A_CHECK: usize = 8;
/// A stranger who is refused tries again after this; one who is not goes on at once.
const AGAIN: Duration = Duration::from_millis(50);
/// Nobody waits longer for an answer.
const PATIENCE: Duration = Duration::from_secs(120);
const LESSON: &str = "how-late";

fn main() {
    // `cargo bench` adds an option of its own.
    let seconds = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(60);
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let bad = runtime.block_on(soak(&server.address, Duration::from_secs(seconds)));
    runtime.shutdown_timeout(Duration::from_secs(1));
    let memory = server.resident_mb();
    let size: u64 = std::fs::read_dir(data.path()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).sum();
    println!("| memory of the server; its data folder | {memory} MB; {} MB |", size >> 20);
    drop(server);
    if !bad.is_empty() {
        println!("\nnot good: {}", bad.join("; "));
        std::process::exit(1);
    }
}

/// The server under attack; it is killed with this.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(data: &std::path::Path) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
        command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data).stdout(Stdio::piped());
        let mut process = command.env("RUST_LOG", "error").spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').to_owned();
        Self { process, address }
    }

    fn resident_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// What the class met with.
#[derive(Default)]
struct Met {
    waits: Vec<Duration>,
    checks: Vec<Duration>,
    troubles: Vec<String>,
}

async fn soak(address: &str, length: Duration) -> Vec<String> {
    let seats = join_class(address).await;
    let (asked, refused) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    // The class has come in when the strangers do.
    let mut class = JoinSet::new();
    let end = Instant::now() + COMING + length;
    for number in 0..CLASS {
        class.spawn(pupil(address.to_owned(), number, seats.get(number).cloned(), end));
    }
    tokio::time::sleep(COMING).await;
    let mut strangers = JoinSet::new();
    for number in 0..STRANGERS {
        let stranger =
            Stranger { address: address.to_owned(), asked: Arc::clone(&asked), refused: Arc::clone(&refused) };
        strangers.spawn(stranger.make_trouble(number));
    }
    let mut bad = Vec::new();
    let mut met = [Met::default(), Met::default()];
    while let Some(pupil) = class.join_next().await {
        let (seated, Met { waits, checks, troubles }) = pupil.unwrap();
        let met = &mut met[usize::from(seated)];
        met.waits.extend(waits);
        met.checks.extend(checks);
        met.troubles.extend(troubles);
    }
    strangers.abort_all();
    let at = |sorted: &[Duration], percent: usize| {
        sorted.get((sorted.len().max(1) - 1) * percent / 100).copied().unwrap_or_default()
    };
    println!("| {STRANGERS} strangers for {} s | |\n|---|---|", length.as_secs());
    for (mut met, whose) in met.into_iter().zip(["without a seat", "with a seat"]) {
        met.waits.sort_unstable();
        met.checks.sort_unstable();
        println!(
            "| pupils {whose}, {} requests | median {:.1} ms, 95 % within {:.1} ms, all within {:.1} ms |",
            met.waits.len(),
            at(&met.waits, 50).as_secs_f64() * 1000.0,
            at(&met.waits, 95).as_secs_f64() * 1000.0,
            at(&met.waits, 100).as_secs_f64() * 1000.0
        );
        println!(
            "| their {} checks | median {:.1} s, all within {:.1} s |",
            met.checks.len(),
            at(&met.checks, 50).as_secs_f64(),
            at(&met.checks, 100).as_secs_f64()
        );
        if at(&met.waits, 95) > CLASS_P95 {
            bad.push(format!("{whose}, 95 % of the requests take up to {:?}", at(&met.waits, 95)));
        }
        if met.checks.len() < CLASS / 2 {
            bad.push(format!("{whose}, only {} checks of {} pupils", met.checks.len(), CLASS / 2));
        }
        met.troubles.sort_unstable();
        met.troubles.dedup();
        bad.extend(met.troubles.into_iter().take(10).map(|trouble| format!("{whose}, {trouble}")));
    }
    println!(
        "| requests of the strangers; refused | {}; {} |",
        asked.load(Ordering::Relaxed),
        refused.load(Ordering::Relaxed)
    );
    std::io::stdout().flush().unwrap();
    bad
}

/// Starts a class for half of the pupils. Returns their cookies.
async fn join_class(address: &str) -> Vec<String> {
    let host = ask(address, "GET", "/", "", "").await.cookie("visitor");
    let class = submit(address, "/class", &host, &format!("title=soak&lesson={LESSON}&seeds=each")).await;
    let page = ask(address, "GET", class.header("location").unwrap(), &host, "").await;
    let pin = page.body.split_once("data-pin>").and_then(|(_, rest)| rest.split_once('<')).unwrap().0.replace(' ', "");
    let mut seats = Vec::new();
    for number in 0..CLASS / 2 {
        let visitor = ask(address, "GET", "/join", "", "").await.cookie("visitor");
        let joined = submit(address, "/join", &visitor, &format!("pin={pin}&name=pupil{number}")).await;
        seats.push(format!("{visitor}; {}", joined.cookie("seat")));
    }
    assert!(seats.iter().all(|cookies| cookies.contains("seat=")), "nobody gets in: {seats:?}");
    seats
}

/// Somebody who reads, types, and checks the solution now and then. Returns also whether they have a seat.
async fn pupil(address: String, number: usize, seat: Option<String>, end: Instant) -> (bool, Met) {
    let seated = seat.is_some();
    let solution = include_str!("../../lessons/02-how-late/solution.py");
    let mut met = Met::default();
    tokio::time::sleep(THINKING * number as u32 / CLASS as u32).await;
    let mut cookie = seat.unwrap_or_default();
    while cookie.is_empty() {
        cookie = timed(&mut met, &address, "GET", "/", "", "").await.cookie("visitor");
    }
    tokio::spawn(listen(address.clone(), cookie.clone()));
    let path = format!("/api/lessons/{LESSON}");
    for round in 0.. {
        if Instant::now() >= end && !met.checks.is_empty() {
            return (seated, met);
        }
        let work = json!({ "program": format!("# pupil {number}, round {round}\n{solution}") });
        let saved = timed(&mut met, &address, "PUT", &format!("{path}/work"), &cookie, &work.to_string()).await;
        tokio::time::sleep(THINKING).await;
        let read = timed(&mut met, &address, "GET", &format!("{path}/work"), &cookie, "").await;
        if saved.status == 200 && read.status == 200 && read.json["program"] != work["program"] {
            met.troubles.push("what was saved is not there".to_owned());
        }
        tokio::time::sleep(THINKING).await;
        timed(&mut met, &address, "GET", &format!("/lessons/{LESSON}"), &cookie, "").await;
        if round % ROUNDS_TO_A_CHECK == number % ROUNDS_TO_A_CHECK {
            let begun = Instant::now();
            let body = json!({ "program": solution }).to_string();
            let checked = ask(&address, "POST", &format!("{path}/check"), &cookie, &body).await;
            met.checks.push(begun.elapsed());
            if checked.json["passed"] != true {
                met.troubles.push(format!("a check said {}: {}", checked.status, checked.json));
            }
        }
        tokio::time::sleep(THINKING).await;
    }
    (seated, met)
}

/// A request whose time counts.
async fn timed(met: &mut Met, address: &str, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
    let begun = Instant::now();
    let answer = ask(address, method, path, cookie, body).await;
    met.waits.push(begun.elapsed());
    if answer.status != 200 {
        met.troubles.push(format!("{method} {path} said {}", answer.status));
    }
    answer
}

/// A page's live events, read for as long as it lasts.
async fn listen(address: String, cookie: String) {
    loop {
        if let Ok(mut stream) = TcpStream::connect(&address).await {
            let request = format!("GET /events HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n");
            _ = stream.write_all(request.as_bytes()).await;
            let mut buffer = [0; 4096];
            while stream.read(&mut buffer).await.is_ok_and(|length| length > 0) {}
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

struct Stranger {
    address: String,
    asked: Arc<AtomicU64>,
    refused: Arc<AtomicU64>,
}

impl Stranger {
    async fn make_trouble(self, number: usize) {
        let kind = number % 7;
        let mut cookie = String::new();
        let mut held = Vec::new();
        for round in 0.. {
            let endless = "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n";
            if cookie.is_empty() {
                cookie = self.ask("GET", "/", "", "").await.cookie("visitor");
            }
            let run = json!({ "lesson": LESSON, "program": endless, "seconds": 600 }).to_string();
            let path = format!("/api/lessons/{LESSON}");
            match kind {
                // Takes a board, lets it run for ever, and comes again as somebody else.
                0 => {
                    self.ask("POST", "/api/run", &cookie, &run).await;
                    cookie.clear();
                }
                // Holds a board and a stream, and stays.
                1 => {
                    if round == 0 {
                        tokio::spawn(listen(self.address.clone(), cookie.clone()));
                    }
                    self.ask("POST", "/api/run", &cookie, &run).await;
                }
                // Checks a program that does not end.
                2 => drop(
                    self.ask("POST", &format!("{path}/check"), &cookie, &json!({ "program": endless }).to_string())
                        .await,
                ),
                // The same, each time as somebody else.
                3 => {
                    self.ask("POST", &format!("{path}/check"), &cookie, &json!({ "program": endless }).to_string())
                        .await;
                    cookie.clear();
                }
                // Keeps as much as it may.
                4 => {
                    let program = format!("# {number} {round}\n{}", "x".repeat(1000 * (round % 200)));
                    self.ask("PUT", &format!("{path}/work"), &cookie, &json!({ "program": program }).to_string()).await;
                    if round % 20 == 0 {
                        cookie.clear();
                    }
                }
                // Connects and says nothing, or half of something.
                5 => {
                    if let Ok(mut stream) = TcpStream::connect(&self.address).await {
                        _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: ").await;
                        held.push(stream);
                    }
                    held.truncate(40);
                    tokio::time::sleep(AGAIN).await;
                }
                // Asks without a pause.
                _ => drop(self.ask("GET", "/api/boards", &cookie, "").await),
            }
        }
    }

    async fn ask(&self, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let answer = ask(&self.address, method, path, cookie, body).await;
        if answer.status != 200 {
            self.refused.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(AGAIN).await;
        }
        answer
    }
}

/// An answer; status 0: there was none.
#[derive(Default)]
struct Answer {
    status: u16,
    head: String,
    body: String,
    json: Value,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// A cookie that was given out, with its name.
    fn cookie(&self, name: &str) -> String {
        let cookies = self.head.lines().filter_map(|line| line.strip_prefix("set-cookie: "));
        let mut given = cookies.filter_map(|cookie| cookie.split(';').next());
        given.rfind(|cookie| cookie.split('=').next() == Some(name)).unwrap_or_default().to_owned()
    }
}

/// One request on a connection of its own.
async fn ask(address: &str, method: &str, path: &str, cookie: &str, body: &str) -> Answer {
    exchange(address, &format!("{method} {path}"), cookie, "application/json", body).await
}

/// A form as a page sends it.
async fn submit(address: &str, path: &str, cookie: &str, form: &str) -> Answer {
    exchange(address, &format!("POST {path}"), cookie, "application/x-www-form-urlencoded", form).await
}

async fn exchange(address: &str, what: &str, cookie: &str, kind: &str, body: &str) -> Answer {
    let request = format!(
        "{what} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let json = serde_json::from_str(body).unwrap_or_default();
        Some(Answer { status, head: head.to_owned(), body: body.to_owned(), json })
    };
    tokio::time::timeout(PATIENCE, exchange).await.ok().flatten().unwrap_or_default()
}
