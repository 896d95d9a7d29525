//! Several processes with one PostgreSQL between them. The tests are the load balancer: they choose the process that a page
//! is at, and another one when that is gone.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use test_postgres::TestPostgres;

use super::learner::{AGAIN, PIN, Page, SAVE_INTERVAL, start_class};
use super::process::{Answer, Server, ask};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(40);

fn start(database: &TestPostgres) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    // From the environment, since others see a command line.
    command.env("ISRLAB_DATABASE", database.url());
    Server::start(command.args(["serve", "--listen", "127.0.0.1:0"]))
}

/// Sends the form of the page on which one joins.
fn join(server: &Server, cookie: &str, pin: &str, name: &str) -> Answer {
    let stream = TcpStream::connect(&server.address).unwrap();
    let form_type = ("Content-Type", "application/x-www-form-urlencoded");
    let headers = [("Host", server.address.as_str()), ("Cookie", cookie), form_type];
    ask(stream, "POST", "/join", &headers, &format!("pin={pin}&name={name}"))
}

/// What a page hears, an event at a time.
struct Stream(Box<dyn Iterator<Item = String>>);

impl Stream {
    fn open(address: &str, path: &str, cookie: &str) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nCookie: {cookie}\r\n\r\n").unwrap();
        Self(Box::new(BufReader::new(stream).lines().map_while(Result::ok)))
    }

    /// The first event of this name of which this is true.
    fn until(&mut self, name: &str, mut is_it: impl FnMut(&Value) -> bool) -> Value {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let line = self.0.next().unwrap_or_else(|| panic!("the stream ends before {name}"));
            if line != format!("event: {name}") {
                continue;
            }
            let data = self.0.next().unwrap();
            let data = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
            if is_it(&data) {
                return data;
            }
        }
        panic!("{name} does not come");
    }
}

/// The row of a learner in what a host's page is told, as it is by then.
fn row<'a>(grid: &'a Value, name: &str) -> Option<&'a Value> {
    grid["rows"].as_array()?.iter().find(|row| row["name"] == name)
}

#[test]
fn a_class_is_spread_over_two_processes_and_goes_on_at_the_other_when_one_is_killed() {
    let database = TestPostgres::start();
    let (here, there) = (start(&database), start(&database));
    let host = here.ask("GET", "/class", "", "").cookie();
    let api = start_class(&here, &host);
    // The other process may not have heard of the class yet: nobody is told that the PIN is wrong.
    let wren = Page::join(&there, PIN, "wren");
    let otter = Page::join(&here, PIN, "otter");
    let events = format!("/events?board=tab&class={}", api.rsplit('/').next().unwrap());
    let mut grid = Stream::open(&here.address, &events, &host);
    grid.until("grid", |grid| row(grid, "wren").is_some());

    // The host, at one, sees what a learner does at the other.
    let mut wrens = Stream::open(&there.address, "/events?board=tab", &wren.cookie);
    assert!(wren.save(1));
    grid.until("grid", |grid| row(grid, "wren").is_some_and(|row| row["group"] == "working" && row["cells"] != ""));
    // And the learner hears what the host says.
    let tell = |to: &Server, told: Value| {
        assert_eq!(to.ask("POST", &format!("{api}/tell"), &host, &told.to_string()).status, 200)
    };
    tell(&here, json!({ "tell": "message", "text": "ten minutes" }));
    wrens.until("class", |class| class["message"]["text"] == "ten minutes");

    // Answers at both processes at the same time are all counted.
    let more: Vec<Page> =
        (0..6).map(|n| Page::join(if n % 2 == 0 { &here } else { &there }, PIN, &format!("p{n}"))).collect();
    tell(&there, json!({ "tell": "ask", "lesson": "lost-update", "prediction": "plain" }));
    let asked = grid.until("grid", |grid| grid["head"]["question"].is_object());
    let question = &asked["head"]["question"]["asked"];
    let (n, key) = (&question["n"], &question["options"][0]["key"]);
    std::thread::scope(|scope| {
        for page in more.iter().chain([&wren, &otter]) {
            scope.spawn(|| {
                let answer = json!({ "n": n, "key": key }).to_string();
                // Where the question has not been heard of yet, it is answered a moment later.
                while page.ask("POST", "/api/class/answer", &answer).is_none_or(|(status, _)| status != 200) {
                    std::thread::sleep(AGAIN);
                }
            });
        }
    });
    grid.until("grid", |grid| grid["head"]["question"]["tally"]["answered"][0] == 8);

    // A nickname is given once, whichever process is asked.
    let taken = there.ask("GET", "/join", "", "").cookie();
    let refused = join(&there, &taken, PIN, "OTTER");
    assert!(refused.status >= 400 && refused.body.contains("OTTER 2"), "{}", refused.status);

    // An old PIN opens nothing any more, and the new one does, at once and everywhere.
    assert_eq!(here.ask("POST", &format!("{api}/pin"), &host, "").status, 200);
    assert_eq!(join(&there, &taken, PIN, "late").status, 403);
    let pin = here.ask("GET", &api.replace("/api/classes", "/class"), &host, "").body;
    let pin = pin.split("data-pin>").nth(1).and_then(|rest| rest.split('<').next()).unwrap().replace(' ', "");
    Page::join(&there, &pin, "late");

    // One is killed. Its host and its learner go on at the other, as who they were.
    assert!(otter.save(5));
    drop(here);
    let killed = Instant::now();
    let otter = Page { address: there.address.clone(), ..otter };
    assert_eq!(otter.saved(), Some(5), "nothing acknowledged is lost");
    assert_eq!(otter.told().unwrap()["name"], "otter");
    assert!(otter.save(6));
    assert!(killed.elapsed() < Duration::from_secs(5), "{:?}", killed.elapsed());
    let mut grid = Stream::open(&there.address, &events, &host);
    let seen = grid.until("grid", |grid| row(grid, "otter").is_some());
    assert_eq!(seen["head"]["question"]["tally"]["answered"][0], 8);
    tell(&there, json!({ "tell": "message", "text": "still here" }));
    wrens.until("class", |class| class["message"]["text"] == "still here");

    // Another one takes its place, and knows everybody.
    let here = start(&database);
    let otter = Page { address: here.address.clone(), ..otter };
    assert_eq!(otter.saved(), Some(6));
    // Whoever is removed at one is out at the other.
    let seat = row(&seen, "wren").unwrap()["seat"].clone();
    assert_eq!(here.ask("DELETE", &format!("{api}/seats/{seat}"), &host, "").status, 200);
    wrens.until("class", |class| class["gone"] == true);
    // And with a class everything of it goes, everywhere.
    assert_eq!(here.ask("DELETE", &api, &host, "").status, 200);
    grid.until("class", |class| class["gone"] == true);
}

#[test]
fn a_host_hears_of_guesses_and_of_who_is_away_at_another_process() {
    let database = TestPostgres::start();
    let (here, there) = (start(&database), start(&database));
    let host = here.ask("GET", "/class", "", "").cookie();
    let api = start_class(&here, &host);
    let otter = Page::join(&there, PIN, "otter");
    let _open = Stream::open(&there.address, "/events?board=tab", &otter.cookie);
    let events = format!("/events?board=tab&class={}", api.rsplit('/').next().unwrap());
    let mut grid = Stream::open(&here.address, &events, &host);
    grid.until("grid", |grid| row(grid, "otter").is_some_and(|row| row["group"] == "working"));
    for server in [&here, &there] {
        let cookie = server.ask("GET", "/join", "", "").cookie();
        for _ in 0..16 {
            assert_eq!(join(server, &cookie, "x1", "guess").status, 403);
        }
    }
    grid.until("grid", |grid| grid["head"]["guessing"]["failures"] == 32);
    drop(there);
    // The other one is missed after some beats, and a learner is away some seconds after the last page.
    grid.until("grid", |grid| row(grid, "otter").is_some_and(|row| row["group"] == "away"));
}

#[test]
fn what_was_acknowledged_is_there_after_the_database_was_restarted() {
    let mut database = TestPostgres::start();
    let (here, there) = (start(&database), start(&database));
    let host = here.ask("GET", "/class", "", "").cookie();
    let api = start_class(&here, &host);
    let pages: Vec<Page> =
        (0..6).map(|n| Page::join(if n % 2 == 0 { &here } else { &there }, PIN, &format!("p{n}"))).collect();
    let mut heard = Stream::open(&there.address, "/events?board=tab", &pages[1].cookie);
    heard.until("class", |class| class["name"] == "p1");
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let working: Vec<_> = pages
            .iter()
            .map(|page| {
                scope.spawn(|| {
                    let (mut acknowledged, mut tried) = (0, 0);
                    while !ended.load(Ordering::Relaxed) {
                        tried += 1;
                        if page.save(tried) {
                            acknowledged = tried;
                        }
                        std::thread::sleep(SAVE_INTERVAL);
                    }
                    (acknowledged, tried)
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(500));
        database.stop();
        std::thread::sleep(Duration::from_secs(1));
        database.start_again();
        std::thread::sleep(Duration::from_secs(1));
        ended.store(true, Ordering::Relaxed);
        for (page, working) in pages.iter().zip(working) {
            let (acknowledged, tried) = working.join().unwrap();
            let found = page.saved().unwrap();
            assert!(
                (acknowledged..=tried).contains(&found),
                "{found} of {acknowledged} acknowledged and {tried} tried"
            );
            assert!(acknowledged > 8, "it goes on after the restart: {acknowledged}");
        }
    });
    // The processes hear of each other again.
    let told = json!({ "tell": "message", "text": "it is back" }).to_string();
    assert_eq!(here.ask("POST", &format!("{api}/tell"), &host, &told).status, 200);
    heard.until("class", |class| class["message"]["text"] == "it is back");
}

#[test]
fn a_database_that_is_not_there_is_told_with_what_to_do() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--database", "postgres://isrlab:hunter2@127.0.0.1:1/isrlab"]);
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && told.contains("[database-away]"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
    // What cannot be read is not shown either.
    for wrong in ["postgres://isrlab:hunter2@127.0.0.1:54x/isrlab", "host=x password=hunter2"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
        let output = command.args(["class", "list"]).env("ISRLAB_DATABASE", wrong).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && told.contains("database") && !told.contains("hunter2"), "{told}");
    }
}
