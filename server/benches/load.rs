//! A class at once: 40 visitors with 40 running virtual boards, then 1,000 listeners.
//!
//! `cargo bench -p isrlab --bench load` prints the figures of the README. A bench and no test: the
//! figures belong to the machine. Server and visitors share one process and talk over real sockets.
#![allow(clippy::unwrap_used, reason = "a bench that cannot go on may end")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use isrlab::app::{App, AppState};
use isrlab::config::{Limits, ServeConfig};
use isrlab::router::router;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

const VISITORS: usize = 40;
const LISTENERS: usize = 1000;
const MEASURED: Duration = Duration::from_secs(10);
/// How often each visitor turns a control while the boards run.
const TURN_INTERVAL: Duration = Duration::from_millis(500);

fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(measure());
}

async fn measure() {
    // One machine plays 40 people: the bounds on one of them are not what is measured.
    let limits = Limits { burst: 100_000, requests_per_second: 10_000, ..Limits::default() };
    let app = AppState::from(App::build(ServeConfig { limits, ..ServeConfig::default() }).unwrap());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = router(app.clone()).into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    println!("resident with no visitor: {} MB", resident_mb());

    let mut cookies = Vec::new();
    let mut watched = Vec::new();
    for _ in 0..VISITORS {
        let (head, _) = ask(address, "GET", "/api/boards", "", "").await;
        let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        watched.push(Watched::start(address, cookie.clone()));
        cookies.push(cookie);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    println!("resident with {VISITORS} idle boards: {} MB", resident_mb());
    let idle_before = processor_time();
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!(
        "processors used by {VISITORS} idle boards with open pages: {:.2}",
        (processor_time() - idle_before) / 2.0
    );

    let first = press_run(address, &cookies[..1], &watched[..1]).await;
    println!("one board: from Run to the first counters {} ms", first[0].as_millis());
    let rest = press_run(address, &cookies[1..], &watched[1..]).await;
    println!(
        "all at once: from Run to the first counters p50 {} ms, p95 {} ms",
        percentile(&rest, 50),
        percentile(&rest, 95)
    );

    let begun = Instant::now();
    let turns: Vec<_> =
        cookies.iter().map(|cookie| tokio::spawn(turn_controls(address, cookie.clone(), begun))).collect();
    let mut answers = Vec::new();
    for turn in turns {
        answers.extend(turn.await.unwrap());
    }
    println!(
        "a control turned to the board's acknowledgement: p50 {} ms, p95 {} ms, {} turns",
        percentile(&answers, 50),
        percentile(&answers, 95),
        answers.len()
    );
    let mut shares = Vec::new();
    let mut samples = 0;
    for watched in &watched {
        let seen = watched.seen.lock().await;
        shares.push(seen.share);
        samples += seen.samples;
    }
    shares.sort_by(f64::total_cmp);
    println!(
        "share of real time of {VISITORS} running boards: least {:.3}, most {:.3}; {samples} samples",
        shares[0],
        shares[VISITORS - 1]
    );
    println!("resident with {VISITORS} running boards: {} MB", resident_mb());
    for cookie in &cookies {
        ask(address, "POST", "/api/stop", cookie, "{}").await;
    }

    let mut listeners = Vec::new();
    for at in 0..LISTENERS {
        listeners.push(Watched::start(address, cookies[at % VISITORS].clone()));
    }
    let mut told = 0;
    while told < LISTENERS {
        tokio::time::sleep(Duration::from_millis(100)).await;
        told = 0;
        for listener in &listeners {
            told += usize::from(listener.seen.lock().await.boards > 0);
        }
    }
    let before = processor_time();
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!(
        "resident with {LISTENERS} more listeners: {} MB; processors used: {:.2}",
        resident_mb(),
        (processor_time() - before) / 2.0
    );
}

/// Presses Run for these visitors at once; how long each waits for the first counters.
async fn press_run(address: SocketAddr, cookies: &[String], watched: &[Watched]) -> Vec<Duration> {
    let body = json!({ "lesson": "lost-update", "settings": { "kind": "hard" }, "seconds": 600 }).to_string();
    let waits = cookies.iter().zip(watched).map(|(cookie, watched)| {
        let (cookie, seen, body) = (cookie.clone(), Arc::clone(&watched.seen), body.clone());
        tokio::spawn(async move {
            let begun = Instant::now();
            ask(address, "POST", "/api/run", &cookie, &body).await;
            loop {
                if let Some(at) = seen.lock().await.first_counters {
                    return at.duration_since(begun);
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
    });
    let mut durations = Vec::new();
    for wait in waits.collect::<Vec<_>>() {
        durations.push(wait.await.unwrap());
    }
    durations
}

/// Changes the rate again and again; how long each change takes until the board has acknowledged it.
async fn turn_controls(address: SocketAddr, cookie: String, begun: Instant) -> Vec<Duration> {
    let mut answers = Vec::new();
    while begun.elapsed() < MEASURED {
        let rate = 900 + answers.len() % 2;
        let body = json!({ "lesson": "lost-update", "name": "rate", "value": rate }).to_string();
        let asked = Instant::now();
        let (_, answer) = ask(address, "POST", "/api/set", &cookie, &body).await;
        assert_eq!(answer["done"], true, "{answer}");
        answers.push(asked.elapsed());
        tokio::time::sleep(TURN_INTERVAL).await;
    }
    answers
}

#[derive(Default)]
struct Seen {
    boards: usize,
    samples: usize,
    share: f64,
    first_counters: Option<Instant>,
}

/// A page that listens.
struct Watched {
    seen: Arc<Mutex<Seen>>,
}

impl Watched {
    fn start(address: SocketAddr, cookie: String) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let request = format!("GET /events HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut lines = BufReader::new(stream).lines();
            let mut name = String::new();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(event) = line.strip_prefix("event: ") {
                    name = event.to_owned();
                }
                let Some(data) = line.strip_prefix("data: ") else { continue };
                let mut seen = kept.lock().await;
                match &name[..] {
                    "board" => seen.boards += 1,
                    "sample" => {
                        seen.samples += 1;
                        let sample: Value = serde_json::from_str(data).unwrap();
                        if seen.first_counters.is_none() && sample["src"][0]["ran"].as_u64().is_some_and(|ran| ran > 0)
                        {
                            seen.first_counters = Some(Instant::now());
                        }
                    }
                    "run" => seen.share = serde_json::from_str::<Value>(data).unwrap()["share"].as_f64().unwrap(),
                    _ => {}
                }
            }
        });
        Self { seen }
    }
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
    (head.to_owned(), serde_json::from_str(body).unwrap_or_default())
}

fn percentile(durations: &[Duration], percent: usize) -> u128 {
    let mut sorted = durations.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() - 1) * percent / 100].as_millis()
}

/// Memory that this process holds (`VmRSS` of proc(5)), in MB; 0 where the system does not say.
fn resident_mb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

/// Processor seconds used so far (fields 14 and 15 of proc(5)'s `stat`, in hundredths).
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<f64> = stat.split_whitespace().filter_map(|field| field.parse().ok()).collect();
    // The name (field 2) and the state (3) are no numbers, so field 14 is the 12th number.
    fields.get(11).zip(fields.get(12)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}
