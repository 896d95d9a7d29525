//! A learner: what a page with its board in the tab asks of the server, and one whose board is the server's.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{Error, Result};
use workbench::headless::Boards as _;
use workbench::record::RunRequest;
use workbench::{check, judge};

use crate::browser::{Answer, Browser};
use crate::net::SCHOOL;

/// Lessons in which they work, one after the other.
const LESSONS: [&str; 4] = ["lost-update", "torn-read", "how-late", "schedule"];
/// Somebody types so long before a run, and is saved so often meanwhile: as often as a page does it.
const SAVES: u32 = 5;
pub(crate) const SAVE_INTERVAL: Duration = Duration::from_secs(2);
/// So many runs make a lesson, of a quarter of an hour; then a check passes.
const RUNS_OF_A_LESSON: usize = 75;
/// Of so many runs one ends with a raised hand.
const RUNS_TO_A_HAND: usize = 20;
/// A board of the server runs so long, in seconds of its own time, and its visitor thinks so long before the next run.
const BOARD_SECONDS: u32 = 5;
const BOARD_PAUSE: Duration = Duration::from_secs(15);

/// What everybody shares.
#[derive(Default)]
pub(crate) struct Seen {
    /// Changes on their way to the grid: whose, and what the row will say.
    pub(crate) expected: Mutex<HashMap<(String, String), Instant>>,
    /// How long they took.
    pub(crate) arrived: Mutex<Vec<Duration>>,
    /// How long the server took to answer, by kind.
    pub(crate) answers: Mutex<BTreeMap<&'static str, Vec<Duration>>>,
    pub(crate) troubles: Mutex<Vec<String>>,
    /// Numbers of which each is given once.
    last: AtomicI64,
}

impl Seen {
    pub(crate) fn trouble(&self, what: String) {
        self.troubles.lock().unwrap().push(what);
    }

    fn note(&self, kind: &'static str, took: Duration) {
        self.answers.lock().unwrap().entry(kind).or_default().push(took);
    }

    fn took(&self, kind: &'static str, answer: &Answer) {
        self.note(kind, answer.took);
        if answer.status != 200 {
            self.trouble(format!("{kind}: {} {}", answer.status, answer.body.chars().take(200).collect::<String>()));
        }
    }
}

/// What a tab reports of a lesson: a run, and the verdict on the solution.
pub(crate) struct Reports {
    slug: &'static str,
    outcome: Value,
    check: Value,
    typed: String,
}

/// Runs and checks each lesson once; everybody reports the like.
pub(crate) fn reports() -> Vec<Reports> {
    let course = isrlab::lessons::embedded().unwrap();
    let booted = isrlab::firmware::booted().unwrap();
    let of = |slug: &'static str| {
        let lesson = course.lesson(slug).unwrap();
        let request = RunRequest {
            lesson: slug.to_owned(),
            program: lesson.program.clone(),
            own_program: false,
            driver: None,
            settings: lesson.settings(&course::Settings::new()).unwrap(),
            seconds: 1,
            seed: 1,
            wiring: lesson.wiring.clone(),
        };
        let outcome = judge::outcome(lesson, &booted.run(&request, &mut |_| true).unwrap());
        let checked = check::runs(lesson, &lesson.solution, &booted, &mut |_| true).unwrap();
        let verdict = serde_json::to_value(judge::verdict(lesson, &checked, course::Language::En)).unwrap();
        let criteria = verdict["criteria"].as_array().unwrap().iter().map(|criterion| {
            let measured = criterion["measured"].as_object().into_iter().flatten();
            let measured: serde_json::Map<String, Value> =
                measured.map(|(name, value)| (name.clone(), value.clone())).collect();
            json!({ "ok": criterion["ok"], "measured": measured })
        });
        let check = json!({ "program": lesson.solution, "passed": true, "criteria": criteria.collect::<Vec<_>>() });
        Reports { slug, outcome, check, typed: lesson.solution.clone() }
    };
    LESSONS.into_iter().map(of).collect()
}

/// The class that they join.
pub(crate) struct Class {
    pub(crate) to: SocketAddr,
    pub(crate) pin: Mutex<String>,
    pub(crate) seen: Seen,
    pub(crate) reports: Vec<Reports>,
}

/// Joins with the PIN as it is now. Returns how long it took from the form to the page with the three words.
pub(crate) async fn join(browser: &mut Browser, pin: &str, name: &str) -> Result<Duration> {
    browser.get("/join").await?;
    let begun = Instant::now();
    let joined = browser.submit("/join", &format!("pin={pin}&name={name}")).await?;
    if joined.status != 303 {
        return Err(Error::other(format!("{name} does not get in: {}", joined.status)));
    }
    let greeted = browser.get("/class/me").await?;
    if greeted.body.contains("three-words") {
        Ok(begun.elapsed())
    } else {
        Err(Error::other(format!("{name} is shown no words: {}", greeted.status)))
    }
}

/// A learner in the class, at its first lesson.
pub(crate) struct Learner {
    class: Arc<Class>,
    name: String,
    number: usize,
    pub(crate) browser: Browser,
}

impl Learner {
    pub(crate) async fn come(class: Arc<Class>, number: usize) -> Result<Self> {
        let mut browser = Browser::new(class.to, SCHOOL);
        let name = format!("learner{number}");
        let pin = class.pin.lock().unwrap().clone();
        join(&mut browser, &pin, &name).await?;
        Ok(Self { class, name, number, browser })
    }

    /// Works until somebody ends it: types, runs, checks, raises a hand.
    pub(crate) async fn work(mut self) {
        if let Err(error) = self.work_on().await {
            self.class.seen.trouble(format!("{}: {error}", self.name));
        }
    }

    async fn work_on(&mut self) -> Result<()> {
        let class = Arc::clone(&self.class);
        self.open(class.reports[0].slug).await?;
        let mut events = self.browser.events("/events?board=tab").await?;
        let (heard, name) = (Arc::clone(&class), self.name.clone());
        tokio::spawn(async move {
            loop {
                match events.next().await {
                    Ok((kind, data)) if kind == "class" && data.contains("\"gone\"") => {
                        heard.seen.trouble(format!("{name} is put out"));
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        // They do not do the same at the same moment.
        tokio::time::sleep(SAVE_INTERVAL * (self.number % 97) as u32 / 97).await;
        for round in 0.. {
            let at = (self.number + round) / RUNS_OF_A_LESSON % class.reports.len();
            let reports = &class.reports[at];
            let ends = (self.number + round + 1).is_multiple_of(RUNS_OF_A_LESSON);
            self.round(reports, round, ends).await?;
        }
        Ok(())
    }

    /// Opens a lesson's page, with what its board needs.
    async fn open(&mut self, slug: &str) -> Result<()> {
        let page = self.browser.get(&format!("/lessons/{slug}")).await?;
        let facts = page.between("id=\"tab-data\">", "</script>").unwrap_or_default();
        let facts: Value = serde_json::from_str(facts)?;
        for file in ["worker", "module", "flash", "lessons"] {
            let address = facts[file].as_str().ok_or_else(|| Error::other("the page names no board"))?;
            self.browser.get(address).await?;
        }
        Ok(())
    }

    async fn round(&mut self, reports: &Reports, round: usize, ends: bool) -> Result<()> {
        let class = Arc::clone(&self.class);
        let seen = &class.seen;
        let path = format!("/api/lessons/{}", reports.slug);
        for save in 0..SAVES {
            tokio::time::sleep(SAVE_INTERVAL).await;
            let program = format!("# {} {round} {save}\n{}", self.name, reports.typed);
            let work = json!({ "program": program, "prediction": {}, "steps": { "predict": true, "run": round > 0 } });
            seen.took("a program saved", &self.browser.send("PUT", &format!("{path}/work"), &work).await?);
        }
        tokio::time::sleep(SAVE_INTERVAL).await;
        let number = seen.last.fetch_add(1, Ordering::Relaxed);
        let mut outcome = reports.outcome.clone();
        // Whichever number the grid shows, it is this one.
        for value in outcome["values"].as_object_mut().into_iter().flat_map(|values| values.values_mut()) {
            *value = number.into();
        }
        self.expect(&number.to_string());
        seen.took("an outcome reported", &self.browser.send("POST", &format!("{path}/outcomes"), &outcome).await?);
        if ends {
            seen.took("a check reported", &self.browser.send("POST", &format!("{path}/checks"), &reports.check).await?);
        }
        if (self.number + round).is_multiple_of(RUNS_TO_A_HAND) {
            self.expect("hand");
            seen.took("a hand", &self.browser.send("POST", "/api/class/hand", &json!({ "up": true })).await?);
            tokio::time::sleep(SAVE_INTERVAL).await;
            seen.took("a hand", &self.browser.send("POST", "/api/class/hand", &json!({ "up": false })).await?);
        }
        Ok(())
    }

    fn expect(&self, what: &str) {
        let key = (self.name.clone(), what.to_owned());
        self.class.seen.expected.lock().unwrap().insert(key, Instant::now());
    }

    /// Works without WebAssembly until somebody ends it: the board is the server's.
    pub(crate) async fn run_on_server(mut self) {
        if let Err(error) = self.run_again_and_again().await {
            self.class.seen.trouble(format!("{} without WebAssembly: {error}", self.name));
        }
    }

    async fn run_again_and_again(&mut self) -> Result<()> {
        let class = Arc::clone(&self.class);
        let slug = class.reports[0].slug;
        self.browser.get(&format!("/lessons/{slug}")).await?;
        let mut events = self.browser.events("/events").await?;
        while events.until("board").await?["state"] != "ready" {}
        tokio::time::sleep(BOARD_PAUSE * (self.number % 97) as u32 / 97).await;
        loop {
            let run = json!({ "lesson": slug, "seconds": BOARD_SECONDS });
            class.seen.took("Run on a board of the server", &self.browser.send("POST", "/api/run", &run).await?);
            let begun = Instant::now();
            while events.until("run").await?["state"] != "ended" {}
            class.seen.note("a run of 5 s on a board of the server", begun.elapsed());
            tokio::time::sleep(BOARD_PAUSE).await;
        }
    }
}
