//! A class of 300 with boards in their tabs at one server, over the real protocol, and whatever else comes to it: a school that
//! joins in a minute, browsers without WebAssembly, somebody who guesses the PIN from 200 addresses.
//!
//! `cargo bench -p isrlab --bench class_load` prints the figures of the README; with a number it works for so many seconds and
//! fails where memory grows (`make soak-class`). The server is a process of its own in a network namespace, the browsers
//! are in another one: they are no class hosts, as everybody on loopback is. Needs root.
//!
//! With `ISRLAB_DATABASE=postgres://...` there are two processes: the host is at one, the learners at the other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a bench that cannot go on may end")]

mod browser;
mod learner;
mod net;

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinSet;

use browser::Browser;
use learner::{Class, Learner, Seen, join, reports};
use net::{Net, SCHOOL, SERVER, TEACHER, guessers};

const LEARNERS: usize = 300;
const WITHOUT_WASM: usize = 40;
/// A school that joins in a minute.
const SCHOOL_JOINS: usize = 1000;
const SCHOOL_MINUTE: Duration = Duration::from_secs(60);
/// How long it takes until a class has come in, and until it works evenly.
const COMING: Duration = Duration::from_secs(30);
const EVEN: Duration = Duration::from_secs(15);
const MEASURED: Duration = Duration::from_secs(60);
const GUESSED: Duration = Duration::from_secs(20);
/// 95 of 100 changes are on the host's grid within this.
const GRID_P95: Duration = Duration::from_millis(300);
const MOST_MB: u64 = 300;
/// What memory may grow by from the first fifth of a soak to its end, in MB.
const MOST_GROWTH_MB: u64 = 16;

fn main() {
    // `cargo bench` adds an option of its own.
    let soak = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).map(Duration::from_secs);
    let reports = reports();
    let data = tempfile::tempdir().unwrap();
    let net = Net::new();
    let server = Server::start(&net, data.path(), 7878);
    let other = std::env::var_os("ISRLAB_DATABASE").map(|_| Server::start(&net, data.path(), 7879));
    let hosts = other.as_ref().map_or(server.address, |other| other.address);
    let link = host_link(&net, data.path());
    net.go_to_clients();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut load = Load { server, hosts, link, bad: Vec::new() };
    println!("| figure | value |\n|---|---|");
    runtime.block_on(async {
        match soak {
            Some(length) => load.soak(reports, length).await,
            None => load.figures(reports).await,
        }
    });
    runtime.shutdown_timeout(Duration::from_secs(1));
    let bad = std::mem::take(&mut load.bad);
    drop(load);
    drop(other);
    drop(net);
    if !bad.is_empty() {
        println!("\nnot good: {}", bad.join("; "));
        std::process::exit(1);
    }
}

/// The server; it is killed with this.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Server {
    fn start(net: &Net, data: &std::path::Path, port: u16) -> Self {
        let mut command = net.at_server(env!("CARGO_BIN_EXE_isrlab"));
        command.args(["serve", "--lan", "--listen", &format!("{SERVER}:{port}"), "--data"]).arg(data);
        let mut process = command.env("RUST_LOG", "error").stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().trim_start_matches("http://").trim_end_matches('/').parse();
        Self { process, address: address.unwrap_or_else(|_| panic!("the server says {line:?}")) }
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0)
    }

    fn resident_mb(&self) -> u64 {
        self.status("VmRSS:") / 1024
    }

    /// Processor time of all its threads so far.
    fn processor(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap_or_default();
        // Fields 14 and 15, in hundredths of a second; the name before them may have spaces.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
        Duration::from_millis((ticks(11) + ticks(12)) * 10)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// The path that makes a browser the class host, as a terminal prints it.
fn host_link(net: &Net, data: &std::path::Path) -> String {
    let mut command = net.at_server(env!("CARGO_BIN_EXE_isrlab"));
    let out = command.args(["class", "link", "--at", "", "--data"]).arg(data).output().unwrap();
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}

/// The server, its host's link, and what was not good.
struct Load {
    /// Where the learners are.
    server: Server,
    /// Where the host is.
    hosts: SocketAddr,
    link: String,
    bad: Vec<String>,
}

/// A class with its host's page.
struct Hosted {
    host: Browser,
    id: String,
    class: Arc<Class>,
    guessing: Arc<Mutex<Value>>,
}

impl Hosted {
    async fn pin(&mut self) -> String {
        let page = self.host.get(&format!("/class/{}", self.id)).await.unwrap();
        page.between("data-pin>", "<").unwrap_or_default().replace(' ', "")
    }
}

impl Load {
    fn need(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.bad.push(what());
        }
    }

    /// Starts a class and opens its grid, at another computer than the server's.
    async fn start(&self, title: &str, reports: Vec<learner::Reports>) -> Hosted {
        let mut host = Browser::new(self.hosts, TEACHER);
        host.get(&self.link).await.unwrap();
        let form =
            format!("title={title}&lesson=lost-update&lesson=torn-read&lesson=how-late&lesson=schedule&seeds=each");
        let started = host.submit("/class", &form).await.unwrap();
        let id = started.location.rsplit('/').next().unwrap_or_default().to_owned();
        let class = Class { to: self.server.address, pin: Mutex::default(), seen: Seen::default(), reports };
        let mut hosted = Hosted { host, id, class: Arc::new(class), guessing: Arc::default() };
        let pin = hosted.pin().await;
        assert_eq!(pin.len(), 6, "the host's page has no PIN");
        *hosted.class.pin.lock().unwrap() = pin;
        let mut grid = hosted.host.events(&format!("/events?class={}", hosted.id)).await.unwrap();
        let (class, guessing) = (Arc::clone(&hosted.class), Arc::clone(&hosted.guessing));
        tokio::spawn(async move {
            while let Ok(event) = grid.until("grid").await {
                let now = Instant::now();
                *guessing.lock().unwrap() = event["head"]["guessing"].clone();
                for row in event["rows"].as_array().into_iter().flatten() {
                    let name = row["name"].as_str().unwrap_or_default();
                    let hand = if row["group"] == "hand" { "hand" } else { "" };
                    for what in [row["latest"]["value"].to_string(), hand.to_owned()] {
                        let expected = class.seen.expected.lock().unwrap().remove(&(name.to_owned(), what));
                        if let Some(since) = expected {
                            class.seen.arrived.lock().unwrap().push(now - since);
                        }
                    }
                }
            }
        });
        hosted
    }

    async fn figures(&mut self, reports: Vec<learner::Reports>) {
        println!("| memory of the server before anybody comes | {} MB |", self.server.resident_mb());
        self.school().await;
        let mut hosted = self.start("300", reports).await;
        let mut working = self.come_in(&hosted, 0..LEARNERS, false).await;
        tokio::time::sleep(EVEN).await;
        self.measure(&hosted, MEASURED, &format!("{LEARNERS} learners, boards in their tabs")).await;
        let memory = self.server.resident_mb();
        self.need(memory < MOST_MB, || format!("the server took {memory} MB"));
        let others = self.come_in(&hosted, LEARNERS..LEARNERS + WITHOUT_WASM, true).await;
        tokio::time::sleep(EVEN).await;
        let what = format!("{LEARNERS} learners, beside {WITHOUT_WASM} without WebAssembly");
        self.measure(&hosted, MEASURED, &what).await;
        drop(others);
        self.guess(&mut hosted).await;
        working.abort_all();
        println!("| memory of the server, the most it ever had | {} MB |", self.server.status("VmHWM:") / 1024);
    }

    /// A thousand join from one address in a minute, with the right PIN.
    async fn school(&mut self) {
        let hosted = self.start("school", Vec::new()).await;
        let (begun, before) = (Instant::now(), self.server.processor());
        let mut joining = JoinSet::new();
        for number in 0..SCHOOL_JOINS {
            let class = Arc::clone(&hosted.class);
            joining.spawn(async move {
                tokio::time::sleep(SCHOOL_MINUTE * number as u32 / SCHOOL_JOINS as u32).await;
                let mut browser = Browser::new(class.to, SCHOOL);
                let pin = class.pin.lock().unwrap().clone();
                join(&mut browser, &pin, &format!("pupil{number}")).await
            });
        }
        let (mut took, mut failed) = (Vec::new(), Vec::new());
        while let Some(joined) = joining.join_next().await {
            match joined.unwrap() {
                Ok(time) => took.push(time),
                Err(error) => failed.push(error.to_string()),
            }
        }
        let length = begun.elapsed();
        let share = (self.server.processor() - before).as_secs_f64() / length.as_secs_f64();
        println!(
            "| {SCHOOL_JOINS} join with the right PIN from one address, in {:.0} s | {} pass; from the form to the three words {}; {share:.2} of a core |",
            length.as_secs_f64(),
            took.len(),
            spread(&mut took)
        );
        self.need(failed.is_empty(), || format!("{} did not get in, as {}", failed.len(), failed[0]));
        let mut host = hosted.host;
        host.send("DELETE", &format!("/api/classes/{}", hosted.id), &json!({})).await.unwrap();
    }

    /// Learners come into the class, within half a minute, and set to work.
    async fn come_in(&mut self, hosted: &Hosted, numbers: std::ops::Range<usize>, on_server: bool) -> JoinSet<()> {
        let mut working = JoinSet::new();
        let (from, many) = (numbers.start, numbers.len());
        let (begun, before) = (Instant::now(), self.server.processor());
        let mut coming = JoinSet::new();
        for number in numbers {
            let class = Arc::clone(&hosted.class);
            coming.spawn(async move {
                tokio::time::sleep(COMING * (number - from) as u32 / many as u32).await;
                Learner::come(class, number).await
            });
        }
        while let Some(learner) = coming.join_next().await {
            match learner.unwrap() {
                Ok(learner) if on_server => drop(working.spawn(learner.run_on_server())),
                Ok(learner) => drop(working.spawn(learner.work())),
                Err(error) => self.bad.push(error.to_string()),
            }
        }
        let share = (self.server.processor() - before).as_secs_f64() / begun.elapsed().as_secs_f64();
        println!("| {many} come in within {:.0} s | {share:.2} of a core |", begun.elapsed().as_secs_f64());
        working
    }

    async fn measure(&mut self, hosted: &Hosted, length: Duration, what: &str) {
        let seen = &hosted.class.seen;
        seen.answers.lock().unwrap().clear();
        seen.arrived.lock().unwrap().clear();
        let (begun, before) = (Instant::now(), self.server.processor());
        tokio::time::sleep(length).await;
        let share = (self.server.processor() - before).as_secs_f64() / begun.elapsed().as_secs_f64();
        let mut arrived = std::mem::take(&mut *seen.arrived.lock().unwrap());
        let lost =
            seen.expected.lock().unwrap().values().filter(|since| since.elapsed() > Duration::from_secs(10)).count();
        println!(
            "| {what}, {:.0} s: from a change to the host's grid, {} changes | {} |",
            length.as_secs_f64(),
            arrived.len(),
            spread(&mut arrived)
        );
        for (kind, mut took) in std::mem::take(&mut *seen.answers.lock().unwrap()) {
            println!("| the same: {kind}, {} | {} |", took.len(), spread(&mut took));
        }
        println!(
            "| the same: the server's memory; processors | {} MB; {share:.2} of a core |",
            self.server.resident_mb()
        );
        let most = within(&mut arrived, 95);
        self.need(!arrived.is_empty() && most < GRID_P95, || format!("95 % of the changes take up to {most:?}"));
        self.need(lost == 0, || format!("{lost} changes did not reach the grid"));
        let troubles = std::mem::take(&mut *seen.troubles.lock().unwrap());
        self.bad.extend(troubles.into_iter().take(5));
    }

    /// Somebody guesses from 200 addresses.
    async fn guess(&mut self, hosted: &mut Hosted) {
        let (tried, waited) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let over = Arc::new(AtomicBool::new(false));
        let guessed = Instant::now();
        let mut guessing = JoinSet::new();
        for (number, from) in guessers().enumerate() {
            let (tried, waited, over) = (Arc::clone(&tried), Arc::clone(&waited), Arc::clone(&over));
            let mut browser = Browser::new(self.server.address, from);
            guessing.spawn(async move {
                browser.get("/join").await?;
                for guess in 0.. {
                    if over.load(Ordering::Relaxed) {
                        break;
                    }
                    // Letters are no PIN: none of the guesses is right by chance.
                    let form = format!("pin=x{:05}&name=guess", number * 400 + guess);
                    let answer = browser.submit("/join", &form).await?;
                    let counter = if answer.status == 429 { &waited } else { &tried };
                    counter.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
                std::io::Result::Ok(())
            });
        }
        tokio::time::sleep(GUESSED / 2).await;
        let told = hosted.guessing.lock().unwrap().clone();
        let before = hosted.pin().await;
        let begun = Instant::now();
        let clicked = hosted.host.send("POST", &format!("/api/classes/{}/pin", hosted.id), &json!({})).await.unwrap();
        let click = begun.elapsed();
        let after = hosted.pin().await;
        let mut late = Browser::new(self.server.address, SCHOOL);
        let old = join(&mut late, &before, "late").await.is_err();
        let new = join(&mut late, &after, "late").await;
        tokio::time::sleep(GUESSED / 2).await;
        over.store(true, Ordering::Relaxed);
        while let Some(guesser) = guessing.join_next().await {
            if let Err(error) = guesser.unwrap() {
                self.bad.push(format!("a guesser's connection: {error}"));
            }
        }
        let length = guessed.elapsed().as_secs();
        let (tried, waited) = (tried.load(Ordering::Relaxed), waited.load(Ordering::Relaxed));
        println!(
            "| somebody guesses from 200 addresses for {length} s | {tried} guesses are looked at, {waited} refused; the host is told of {} from {} addresses; another PIN by one click in {:.0} ms |",
            told["failures"],
            told["places"],
            click.as_secs_f64() * 1000.0
        );
        // Sixty at once, and one a second after that.
        let most = 60 + length as usize + 10;
        self.need(tried <= most, || format!("{tried} guesses were looked at, more than {most}"));
        self.need(told["failures"].as_u64().is_some_and(|many| many >= 30), || format!("the host is told {told}"));
        self.need(clicked.status == 200 && after != before, || "there is no other PIN".to_owned());
        self.need(old && new.is_ok(), || format!("after another PIN: the old one opens {}, the new one {new:?}", !old));
        let seen = &hosted.class.seen;
        let mut arrived = std::mem::take(&mut *seen.arrived.lock().unwrap());
        println!("| the class meanwhile: from a change to the host's grid | {} |", spread(&mut arrived));
        let troubles = std::mem::take(&mut *seen.troubles.lock().unwrap());
        self.need(troubles.is_empty(), || format!("who was in does not stay in: {}", troubles[0]));
    }

    /// The class works for so long.
    async fn soak(&mut self, reports: Vec<learner::Reports>, length: Duration) {
        let hosted = self.start("soak", reports).await;
        let mut working = self.come_in(&hosted, 0..LEARNERS, false).await;
        let part = length / 10;
        let mut memory = Vec::new();
        for number in 1..=10 {
            self.measure(&hosted, part, &format!("part {number} of 10")).await;
            memory.push(self.server.resident_mb());
        }
        working.abort_all();
        let (first, last) = (memory[1], memory[9]);
        println!("| memory after each tenth of {:.0} s | {memory:?} MB |", length.as_secs_f64());
        self.need(last < MOST_MB, || format!("the server takes {last} MB"));
        self.need(last <= first + MOST_GROWTH_MB, || format!("memory grows from {first} to {last} MB"));
    }
}

fn within(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times.get((times.len().max(1) - 1) * percent / 100).copied().unwrap_or_default()
}

/// `median 3 ms, 95 % within 8 ms, all within 20 ms`.
fn spread(times: &mut [Duration]) -> String {
    let ms = |percent, times: &mut [Duration]| within(times, percent).as_secs_f64() * 1000.0;
    let (half, most, all) = (ms(50, times), ms(95, times), ms(100, times));
    format!("median {half:.1} ms, 95 % within {most:.1} ms, all within {all:.0} ms")
}
