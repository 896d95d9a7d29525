//! A class at once: 40 visitors with 40 running virtual boards, and 1,000 listeners beside them.
//!
//! `cargo bench -p isrlab --bench load` prints the figures of the README. A bench and no test: the
//! figures belong to the machine. Server and visitors share one process and talk over real sockets,
//! so what the visitors' side costs counts as well.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on may end")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isrlab::app::{App, AppState};
use isrlab::config::{Limits, ServeConfig};
use isrlab::feed::Feed;
use isrlab::router::serve;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Visitors who run a program.
const VISITORS: usize = 40;
/// Visitors whose board is idle, and whose events the listeners read.
const IDLE_VISITORS: usize = 20;
const LISTENERS: usize = 1000;
const MEASURED: Duration = Duration::from_secs(10);
/// How often each visitor turns a control while the boards run.
const TURN_INTERVAL: Duration = Duration::from_millis(500);
/// After so long idle boards have come to rest.
const REST: Duration = Duration::from_secs(12);
/// How long they are watched then.
const IDLE_MEASURED: Duration = Duration::from_secs(5);
/// How often one visitor alone presses Run.
const LONELY_RUNS: usize = 10;

fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(measure());
}

async fn measure() {
    // One machine plays 40 people: the bounds on one of them are not what is measured.
    let limits = Limits {
        burst: 100_000,
        requests_per_second: 10_000,
        place_burst: 1_000_000,
        place_requests_per_second: 100_000,
        place_connections: 4000,
        visitor_streams: LISTENERS,
        ..Limits::default()
    };
    let app = AppState::from(App::build(ServeConfig { limits, ..ServeConfig::default() }).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(listener, app.clone(), std::future::pending()));
    let memory_at_first = resident_mb();

    let mut visitors = Vec::new();
    for _ in 0..VISITORS + IDLE_VISITORS {
        visitors.push(Visitor::new(&app, address).await);
    }
    let (visitors, idle) = visitors.split_at(VISITORS);
    let memory_idle = resident_mb();
    let mut listeners: Vec<Page> = Vec::new();
    for at in 0..LISTENERS {
        let visitor = &idle[at % IDLE_VISITORS];
        listeners.push(Page::open(address, visitor.cookie.clone(), Arc::clone(&visitor.page.feed)));
    }
    for listener in &listeners {
        listener.until(|seen| seen.boards > 0).await;
    }
    let memory_listeners = resident_mb();
    tokio::time::sleep(REST).await;
    let idle_cost = processors_used(IDLE_MEASURED).await;

    let mut alone = Vec::new();
    for _ in 0..LONELY_RUNS {
        alone.extend(press_run(&visitors[..1]).await);
        visitors[0].post("/api/stop", json!({})).await;
    }
    press_run(&visitors[..1]).await;
    let apart = press_run_apart(&visitors[1..]).await;
    for visitor in &visitors[1..] {
        visitor.post("/api/stop", json!({})).await;
    }
    let together = press_run(&visitors[1..]).await;

    for visitor in visitors {
        visitor.page.seen.send_modify(|seen| seen.lateness.clear());
    }
    let begun = Instant::now();
    let before = processor_time();
    let turns: Vec<_> = visitors.iter().map(|visitor| tokio::spawn(visitor.clone().turn_controls(begun))).collect();
    let mut turned = Vec::new();
    for turn in turns {
        turned.extend(turn.await.unwrap());
    }
    let running_cost = (processor_time() - before) / begun.elapsed().as_secs_f64();
    let mut lateness = Vec::new();
    let mut shares = Vec::new();
    for visitor in visitors {
        let seen = visitor.page.seen.borrow();
        lateness.extend(&seen.lateness);
        shares.push(seen.share);
    }
    shares.sort_by(f64::total_cmp);
    let memory_running = resident_mb();
    for visitor in visitors {
        visitor.post("/api/stop", json!({})).await;
    }

    println!("| figure | value |\n|---|---|");
    println!("| from Run to the first counters, one visitor, {LONELY_RUNS} runs | {} |", spread(&alone));
    for (runs, times) in [("the same run", &together), ("each a run of their own", &apart)] {
        println!(
            "| from Run to the first counters, {} visitors at the same moment, {runs} | {} |",
            times.len(),
            spread(times)
        );
    }
    println!(
        "| {VISITORS} running boards, {LISTENERS} listeners beside: from a board's frame to its event at a page, \
         {} frames | {} |",
        lateness.len(),
        spread(&lateness)
    );
    println!(
        "| the same boards: a control turned until the board's acknowledgement is there, {} turns | {} |",
        turned.len(),
        spread(&turned)
    );
    println!(
        "| the same boards: share of real time, as the page says it | least {:.3}, mean {:.3}, most {:.3} |",
        shares[0],
        shares.iter().sum::<f64>() / VISITORS as f64,
        shares[VISITORS - 1]
    );
    println!(
        "| processors used: {} idle boards with open pages and {LISTENERS} listeners; {VISITORS} running boards | {idle_cost:.2}; {running_cost:.2} |",
        VISITORS + IDLE_VISITORS
    );
    println!(
        "| memory: no visitor; {} idle boards; {LISTENERS} listeners more; {VISITORS} running boards | \
         {memory_at_first}, {memory_idle}, {memory_listeners}, {memory_running} MB |",
        VISITORS + IDLE_VISITORS
    );
}

/// Presses Run for these visitors at once; how long each waits for the first counters.
async fn press_run(visitors: &[Visitor]) -> Vec<Duration> {
    press_runs(visitors, |_| 1).await
}

/// The same, with a seed for each, so that no two runs begin alike.
async fn press_run_apart(visitors: &[Visitor]) -> Vec<Duration> {
    press_runs(visitors, |at| 100 + at).await
}

async fn press_runs(visitors: &[Visitor], seed: impl Fn(usize) -> usize) -> Vec<Duration> {
    let press = |(at, visitor): (usize, &Visitor)| tokio::spawn(visitor.clone().press_run(seed(at)));
    let waits = visitors.iter().enumerate().map(press);
    let mut durations = Vec::new();
    for wait in waits.collect::<Vec<_>>() {
        durations.push(wait.await.unwrap());
    }
    durations
}

/// Somebody with an open page.
#[derive(Clone)]
struct Visitor {
    address: SocketAddr,
    cookie: String,
    page: Page,
}

impl Visitor {
    async fn new(app: &AppState, address: SocketAddr) -> Self {
        let (head, _) = ask(address, "GET", "/api/boards", "", "").await;
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let secret = cookie.split_once('=').unwrap().1.to_owned();
        let id = app.visitors.read(&secret).unwrap();
        let feed = Arc::clone(&app.benches.existing(id).unwrap().desk.feed);
        let page = Page::open(address, cookie.clone(), feed);
        page.until(|seen| seen.boards > 0).await;
        Self { address, cookie, page }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        ask(self.address, "POST", path, &self.cookie, &body.to_string()).await.1
    }

    /// How long it takes from pressing Run to the first counters on the page.
    async fn press_run(self, seed: usize) -> Duration {
        let begun = Instant::now();
        let body = json!({ "lesson": "lost-update", "settings": { "kind": "hard" }, "seconds": 600, "seed": seed });
        let answer = self.post("/api/run", body).await;
        let run = answer["id"].as_u64();
        assert!(run.is_some(), "{answer}");
        self.page.until(|seen| seen.counting == run).await;
        self.page.seen.borrow().counting_since.unwrap() - begun
    }

    /// Changes the rate again and again; how long each change takes until the board has acknowledged it.
    async fn turn_controls(self, begun: Instant) -> Vec<Duration> {
        let mut answers = Vec::new();
        while begun.elapsed() < MEASURED {
            let asked = Instant::now();
            let body = json!({ "lesson": "lost-update", "name": "rate", "value": 900 + answers.len() % 2 });
            let answer = self.post("/api/set", body).await;
            assert_eq!(answer["done"], true, "{answer}");
            answers.push(asked.elapsed());
            tokio::time::sleep(TURN_INTERVAL).await;
        }
        answers
    }
}

/// What a page has seen.
#[derive(Default)]
struct Seen {
    boards: usize,
    share: f64,
    /// The last run of which counters were seen, and when the first of them came.
    counting: Option<u64>,
    counting_since: Option<Instant>,
    /// From each frame's last byte on the board's line to the event's last byte at the page.
    lateness: Vec<Duration>,
}

/// A page that listens.
#[derive(Clone)]
struct Page {
    feed: Arc<Feed>,
    seen: Arc<watch::Sender<Seen>>,
}

impl Page {
    fn open(address: SocketAddr, cookie: String, feed: Arc<Feed>) -> Self {
        let page = Self { feed, seen: Arc::default() };
        tokio::spawn(page.clone().read(address, cookie));
        page
    }

    async fn until(&self, holds: impl Fn(&Seen) -> bool) {
        self.seen.subscribe().wait_for(|seen| holds(seen)).await.unwrap();
    }

    async fn read(self, address: SocketAddr, cookie: String) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET /events HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut lines = BufReader::new(stream).lines();
        let (mut id, mut name, mut data) = (0, String::new(), String::new());
        while let Ok(Some(line)) = lines.next_line().await {
            match line.split_once(": ") {
                Some(("id", text)) => id = text.parse().unwrap(),
                Some(("event", text)) => text.clone_into(&mut name),
                Some(("data", text)) => text.clone_into(&mut data),
                // An empty line ends an event.
                _ if line.is_empty() => self.see(id, &name, &data),
                _ => {}
            }
        }
    }

    fn see(&self, id: u64, name: &str, data: &str) {
        let now = Instant::now();
        let lateness = self.feed.made(id).map(|made| ports::clock::now().saturating_sub(made));
        self.seen.send_modify(|seen| match name {
            "board" => seen.boards += 1,
            "event" => seen.lateness.extend(lateness),
            "sample" => {
                seen.lateness.extend(lateness);
                let sample = json_of(data);
                let run = sample["run"].as_u64();
                if run != seen.counting && sample["src"][0]["ran"].as_u64().is_some_and(|ran| ran > 0) {
                    (seen.counting, seen.counting_since) = (run, Some(now));
                }
            }
            "run" => seen.share = json_of(data)["share"].as_f64().unwrap(),
            _ => {}
        });
    }
}

fn json_of(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// One request on a connection of its own; returns head and body.
async fn ask(address: SocketAddr, method: &str, path: &str, cookie: &str, body: &str) -> (String, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), json_of(body))
}

fn spread(durations: &[Duration]) -> String {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    let ms = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1000.0;
    format!("median {:.1} ms, 95 % within {:.1} ms, all within {:.1} ms", ms(0.5), ms(0.95), ms(1.0))
}

/// Memory that this process holds (`VmRSS` of proc(5)), in MB; 0 where the system does not say.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// How many processors this process keeps busy.
async fn processors_used(over: Duration) -> f64 {
    let before = processor_time();
    tokio::time::sleep(over).await;
    (processor_time() - before) / over.as_secs_f64()
}

/// Processor seconds used so far (fields 14 and 15 of proc(5)'s `stat`, in hundredths).
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // The name (field 2) and the state (3) are no numbers, so field 14 is the 12th number.
    fields.get(11).zip(fields.get(12)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}
