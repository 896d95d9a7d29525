//! `isrlab class rehearse`: pupils who are programs, so that a host can practise and the grid has something to show.
//!
//! They join with the PIN as everybody does, answer, run lessons on virtual boards of this process, as a learner's tab does,
//! report what these measured, type, check and raise hands. The page of the host who is rehearsed with is opened as well,
//! which says how long a change takes to get there.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::Args;
use course::{Course, Language, Lesson};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use workbench::emulated::BootedBoard;
use workbench::headless::Boards as _;
use workbench::judge;
use workbench::record::RunRequest;

use super::http::{Browser, Stream};
use super::{Folder, open};
use crate::class::suggested;
use crate::classes::host_token;
use crate::commands::database::DatabaseOption;
use crate::commands::out::{language, say};
use crate::lock::lock;
use crate::pages::visitor_work::STEPS;

/// How long a board runs in a rehearsal: enough for numbers, and cheap for thirty pupils at once.
const RUN_SECONDS: u32 = 1;
/// Lessons of the class that is rehearsed.
const LESSONS: [&str; 4] = ["where-can-it-strike", "schedule", "lost-update", "torn-read"];
/// A pupil who gets on is looked for in the grid so long.
const SEEN: Duration = Duration::from_secs(10);

/// Options of `isrlab class rehearse`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// How many pupils.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=400))]
    pupils: u32,
    /// How long they work, in seconds.
    #[arg(long, default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    seconds: u64,
    /// How long a pupil thinks between two things, in seconds, on average.
    #[arg(long, default_value_t = 8.0)]
    pause: f64,
    /// The workbench, on this computer.
    #[arg(long, value_name = "ADDR", default_value_t = crate::config::DEFAULT_LISTEN)]
    at: SocketAddr,
    /// The data folder of that workbench, where sitting at its computer makes nobody a host: it is behind a proxy.
    #[arg(long, value_name = "DIR", conflicts_with = "url")]
    data: Option<PathBuf>,
    #[command(flatten)]
    database: DatabaseOption,
    /// Nobody checks: checks are the server's work, and hundreds of pupils would wait for each other.
    #[arg(long)]
    no_checks: bool,
}

/// What all pupils share.
struct Rehearsal {
    course: Course,
    booted: BootedBoard,
    pin: String,
    arguments: Arguments,
    /// Changes that are under way to the grid: who, and what the cell will say.
    expected: Mutex<HashMap<(String, String), Instant>>,
    /// How long changes took.
    took: Mutex<Vec<Duration>>,
    trouble: Mutex<Option<String>>,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let booted = crate::firmware::booted()?;
    let link = host_link(&runtime, &arguments)?;
    let outcome = runtime.block_on(rehearse(arguments, booted, link));
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome
}

/// The path of the host's link, where the database is named that it is made of.
fn host_link(runtime: &Runtime, arguments: &Arguments) -> anyhow::Result<Option<String>> {
    let (data, database) = (arguments.data.clone(), arguments.database.clone());
    if data.is_none() && database.url()?.is_none() {
        return Ok(None);
    }
    let folder = Folder { data: data.unwrap_or_default(), database };
    Ok(Some(format!("/host/{}", host_token(open(runtime, folder)?.key()))))
}

async fn rehearse(arguments: Arguments, booted: BootedBoard, link: Option<String>) -> anyhow::Result<()> {
    let course = crate::lessons::embedded()?;
    let at = arguments.at;
    let mut host =
        Browser::open(at).await.with_context(|| format!("no workbench answers at {at}; start `isrlab serve`"))?;
    if let Some(link) = link {
        let answer = host.get(&link).await?;
        host.keep_cookies(&answer);
    }
    let known = LESSONS.iter().filter(|slug| course.lesson(slug).is_some());
    let lessons: String = known.map(|slug| format!("&lesson={slug}")).collect();
    let title = language().pick("Rehearsal", "%E3%83%AA%E3%83%8F%E3%83%BC%E3%82%B5%E3%83%AB");
    let started = host.submit("/class", &format!("title={title}&seeds=each{lessons}")).await?;
    let path = started.location.context(
        "the workbench starts no class for this computer; if it is behind a proxy, name its --data or --database",
    )?;
    let page = host.get(&path).await?.body;
    let pin = page.split("data-pin>").nth(1).and_then(|rest| rest.split('<').next()).context("the page has no PIN")?;
    say!("http://{at}{path}")?;
    let pin = pin.replace(' ', "");
    let seconds = arguments.seconds;
    let rehearsal = Arc::new(Rehearsal {
        course,
        booted,
        pin,
        arguments,
        expected: Mutex::default(),
        took: Mutex::default(),
        trouble: Mutex::default(),
    });
    let id = path.rsplit('/').next().unwrap_or_default();
    let grid = host.stream(&format!("/events?class={id}")).await?;
    let watching = tokio::spawn(watch(Arc::clone(&rehearsal), grid));
    let pupils: Vec<_> = (0..rehearsal.arguments.pupils)
        .map(|number| {
            let rehearsal = Arc::clone(&rehearsal);
            tokio::spawn(async move {
                if let Err(error) = Pupil::new(&rehearsal, number).work().await {
                    lock(&rehearsal.trouble).get_or_insert_with(|| format!("{error:#}"));
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let at_work = pupils.iter().filter(|pupil| !pupil.is_finished()).count();
    for pupil in pupils {
        pupil.abort();
    }
    watching.abort();
    report(&rehearsal, at_work)
}

fn report(rehearsal: &Rehearsal, at_work: usize) -> anyhow::Result<()> {
    let mut took = lock(&rehearsal.took).clone();
    took.sort_unstable();
    let lost = lock(&rehearsal.expected).values().filter(|since| since.elapsed() > SEEN).count();
    let within = |share: f64| {
        let at = ((took.len() as f64 * share) as usize).min(took.len().saturating_sub(1));
        took.get(at).map_or(0, Duration::as_millis)
    };
    let (changes, median, most) = (took.len(), within(0.5), within(0.95));
    say!(
        "{}",
        language().pick(
            &format!(
                "{changes} changes reached the host's grid: median {median} ms, 95 % within {most} ms; {lost} did not arrive; {at_work} pupils at work"
            ),
            &format!(
                "管理者の画面に届いた変化 {changes} 件:中央値 {median} ms、95 % が {most} ms 以内、届かず {lost} 件、作業中 {at_work} 人"
            ),
        )
    )?;
    match lock(&rehearsal.trouble).take() {
        Some(trouble) => anyhow::bail!("a pupil could not go on: {trouble}"),
        None => Ok(()),
    }
}

/// Looks at the grid as the host's page does.
async fn watch(rehearsal: Arc<Rehearsal>, mut grid: Stream) {
    while let Some((name, data)) = grid.next().await {
        if name != "grid" {
            continue;
        }
        let now = Instant::now();
        let Ok(event) = serde_json::from_str::<Value>(&data) else { continue };
        for row in event["rows"].as_array().into_iter().flatten() {
            let Some(name) = row["name"].as_str() else { continue };
            for cell in row["cells"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                let Some(steps) = cell.get(..STEPS.len()) else { continue };
                if let Some(since) = lock(&rehearsal.expected).remove(&(name.to_owned(), steps.to_owned())) {
                    lock(&rehearsal.took).push(now.saturating_duration_since(since));
                }
            }
        }
    }
}

/// One of them.
struct Pupil<'r> {
    rehearsal: &'r Rehearsal,
    name: String,
    /// Chance of this pupil's own (xorshift): how quick they are, and what they get wrong.
    chance: u64,
}

impl<'r> Pupil<'r> {
    fn new(rehearsal: &'r Rehearsal, number: u32) -> Self {
        let language = if number % 3 == 2 { Language::Ja } else { Language::En };
        let chance = (u64::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        Self { rehearsal, name: suggested(language, number * 7 % 384 + number / 384 * 384), chance }
    }

    fn draw(&mut self, sides: u64) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance % sides
    }

    async fn think(&mut self) {
        let share = 0.5 + self.draw(1000) as f64 / 1000.0;
        tokio::time::sleep(Duration::from_secs_f64((self.rehearsal.arguments.pause * share).clamp(0.01, 3600.0))).await;
    }

    async fn work(mut self) -> anyhow::Result<()> {
        // A class comes in within a minute, and not all at once.
        let late = self.draw(1000) as f64 / 1000.0 * self.rehearsal.arguments.pause.clamp(0.1, 30.0);
        tokio::time::sleep(Duration::from_secs_f64(late)).await;
        let mut browser = Browser::open(self.rehearsal.arguments.at).await?;
        let name: String = self.name.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let joined = browser.submit("/join", &format!("pin={}&name={name}", self.rehearsal.pin)).await?;
        anyhow::ensure!(joined.status == 303, "{} does not get in: {}", self.name, joined.status);
        browser.keep_cookies(&joined);
        let mut events = browser.stream("/events").await?;
        // The page stays open while it is worked at.
        let listening = tokio::spawn(async move { while events.next().await.is_some() {} });
        for slug in LESSONS {
            let Some(lesson) = self.rehearsal.course.lesson(slug).cloned() else { continue };
            self.lesson(&browser, &lesson).await?;
        }
        // Who has finished stays and looks on.
        listening.await?;
        Ok(())
    }

    async fn lesson(&mut self, browser: &Browser, lesson: &Lesson) -> anyhow::Result<()> {
        let mut steps = serde_json::Map::new();
        let mut program = None;
        let mut answers = serde_json::Map::new();
        for question in &lesson.predictions {
            let wrong = self.draw(3) == 0;
            let mut options = question.options.iter().filter(|option| (option.key == question.right) != wrong);
            if let Some(option) = options.next() {
                answers.insert(question.id.clone(), option.key.clone().into());
            }
        }
        for step in &STEPS[..4] {
            self.think().await;
            if *step == "run" {
                self.run(browser, lesson, &answers).await?;
            }
            steps.insert((*step).to_owned(), true.into());
            self.save(browser, lesson, &answers, &steps, program.as_deref()).await?;
        }
        // They type, and are seen typing.
        let lines: Vec<&str> = lesson.solution.lines().collect();
        for upto in [lines.len() / 2, lines.len()] {
            self.think().await;
            program = Some(lines[..upto].join("\n") + "\n");
            self.save(browser, lesson, &answers, &steps, program.as_deref()).await?;
        }
        if self.draw(4) == 0 {
            post(browser, "/api/class/hand", &json!({ "up": true })).await?;
            self.think().await;
            post(browser, "/api/class/hand", &json!({ "up": false })).await?;
        }
        if !self.rehearsal.arguments.no_checks {
            let mistaken = self.draw(2) == 0;
            let path = format!("/api/lessons/{}/check", lesson.slug);
            if mistaken {
                post(browser, &path, &json!({ "program": lesson.starter })).await?;
                self.think().await;
            }
            post(browser, &path, &json!({ "program": lesson.solution })).await?;
        }
        Ok(())
    }

    /// A run on a board of this process, reported as a tab does.
    async fn run(
        &mut self,
        browser: &Browser,
        lesson: &Lesson,
        answers: &serde_json::Map<String, Value>,
    ) -> anyhow::Result<()> {
        let asked = lesson.predictions.iter().find(|question| answers.contains_key(&question.id));
        let settings = asked.map(|question| question.set.clone()).unwrap_or_default();
        let request = RunRequest {
            lesson: lesson.slug.clone(),
            program: lesson.program.clone(),
            own_program: false,
            driver: None,
            settings: lesson.settings(&settings)?,
            seconds: RUN_SECONDS,
            seed: self.draw(1_000_000),
            wiring: lesson.wiring.clone(),
        };
        let (booted, judged) = (self.rehearsal.booted.clone(), lesson.clone());
        let run = move || booted.run(&request, &mut |_| true).map(|record| judge::outcome(&judged, &record));
        let row = tokio::task::spawn_blocking(run).await??;
        post(browser, &format!("/api/lessons/{}/outcomes", lesson.slug), &row).await
    }

    async fn save(
        &self,
        browser: &Browser,
        lesson: &Lesson,
        answers: &serde_json::Map<String, Value>,
        steps: &serde_json::Map<String, Value>,
        program: Option<&str>,
    ) -> anyhow::Result<()> {
        let cell: String = STEPS.iter().map(|step| if steps.contains_key(*step) { '1' } else { '0' }).collect();
        let new = program.is_none();
        let key = (self.name.clone(), cell);
        if new {
            lock(&self.rehearsal.expected).insert(key, Instant::now());
        }
        let body = json!({ "program": program, "prediction": answers, "steps": steps });
        let answer = browser.send("PUT", &format!("/api/lessons/{}/work", lesson.slug), &body).await?;
        anyhow::ensure!(answer.status == 200, "work is not saved: {} {}", answer.status, answer.body);
        Ok(())
    }
}

/// Asks for something. A refusal because so many check is part of a class.
async fn post(browser: &Browser, path: &str, body: &Value) -> anyhow::Result<()> {
    let answer = browser.send("POST", path, body).await?;
    let crowded = answer.status == 503 || answer.status == 409;
    anyhow::ensure!(answer.status == 200 || crowded, "{path}: {} {}", answer.status, answer.body);
    Ok(())
}
