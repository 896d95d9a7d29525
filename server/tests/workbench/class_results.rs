//! What comes out of a class and what is left of it: verified checks, an export that runs to the same numbers, a class on
//! another computer, deleting.

use std::process::Command;
use std::time::{Duration, Instant};

use axum::http::{Method, StatusCode, header};
use course::Settings;
use isrlab::config::ServeConfig;
use isrlab::verifying::verify_reported;
use serde_json::{Value, json};
use workbench::headless::Boards as _;
use workbench::judge;
use workbench::record::RunRequest;

use crate::app::{TestApp, Visitor};
use crate::classes::{Hosted, LEARNER, work};
use crate::process::Server;

/// A reported check is settled within this on a machine that does nothing else; here it may do much else.
const VERIFIED_WITHIN: Duration = Duration::from_secs(60);

/// A check that passed, as a tab reports it.
async fn report(class: &Hosted, learner: &Visitor, program: &str) {
    let lesson = class.app.app.course.lesson("lost-update").unwrap();
    let count = lesson.exercise.criteria.len() + usize::from(lesson.explorer.is_some());
    let criteria = vec![json!({ "ok": true, "measured": { "lost": 0 } }); count];
    let body = json!({ "program": program, "passed": true, "criteria": criteria });
    let answer = learner.post("/api/lessons/lost-update/checks", body).await;
    assert_eq!(answer.json["proof"], "reported", "{}", answer.text);
}

async fn table(host: &Visitor, id: i64) -> String {
    let answer =
        host.send(Method::GET, &format!("/class/{id}/results.csv"), &[("accept-language", "en")], String::new()).await;
    assert_eq!(answer.status, StatusCode::OK);
    answer.text
}

/// Whether a learner passed the first lesson, and whether the server saw it, as the table says it.
fn marks(table: &str, name: &str) -> [String; 2] {
    let mut rows = csv::Reader::from_reader(table.trim_start_matches('\u{feff}').as_bytes());
    let head = rows.headers().unwrap().clone();
    let column = |wanted: &str| head.iter().position(|name| name.contains(wanted)).unwrap();
    let (passed, verified) = (column("Passed"), column("Verified"));
    let row = rows.records().map(Result::unwrap).find(|row| &row[0] == name).unwrap();
    [row[passed].to_owned(), row[verified].to_owned()]
}

/// The column that says who passed.
fn marks_of_all(table: &str) -> Vec<String> {
    let mut rows = csv::Reader::from_reader(table.trim_start_matches('\u{feff}').as_bytes());
    let column = rows.headers().unwrap().iter().position(|name| name.contains("Passed")).unwrap();
    rows.records().map(|row| row.unwrap()[column].to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forged_report_is_not_verified_and_a_real_one_is_here_or_on_the_next_computer() {
    let class = Hosted::start(ServeConfig::default()).await;
    let lesson = class.app.app.course.lesson("lost-update").unwrap().clone();
    let (forger, honest, late) = (class.join("forger").await, class.join("honest").await, class.join("late").await);
    report(&class, &forger, &lesson.starter).await;
    report(&class, &honest, &lesson.solution).await;
    assert_eq!(marks(&table(&class.host, class.id).await, "forger"), ["yes", "no"], "as reported");

    let begun = Instant::now();
    let mut grid = class.host.hosting(class.id).await;
    let verifying = tokio::spawn(verify_reported(class.app.app.clone()));
    let cell = |event: &Value, name: &str| {
        let row = event["rows"].as_array().unwrap().iter().find(|row| row["name"] == name);
        row.map(|row| row["cells"][0].as_str().unwrap().to_owned())
    };
    let mut settled = [false; 2];
    while settled != [true; 2] {
        let event = grid.until(|event| event.name == "grid").await.data;
        settled[0] |= cell(&event, "forger").is_some_and(|cell| cell.contains('f') && !cell.contains('p'));
        settled[1] |= cell(&event, "honest").is_some_and(|cell| cell.contains('v'));
    }
    assert!(begun.elapsed() < VERIFIED_WITHIN, "{:?}", begun.elapsed());
    verifying.abort();
    let here = table(&class.host, class.id).await;
    assert_eq!(
        (marks(&here, "forger"), marks(&here, "honest")),
        (["no", "no"].map(str::to_owned), ["yes", "yes"].map(str::to_owned))
    );

    // One report waits; the class goes to another computer, and what was seen here counts there.
    _ = verifying.await;
    report(&class, &late, &lesson.solution).await;
    let everything = class.host.get(&format!("/class/{}/results.json", class.id)).await.text;
    let elsewhere = TestApp::new();
    let host = elsewhere.stranger().await;
    let there = host.send(Method::POST, "/api/classes", &[], everything).await.json["path"].clone();
    let id = there.as_str().and_then(|path| path.rsplit('/').next()?.parse().ok()).unwrap();
    let verifying = tokio::spawn(verify_reported(elsewhere.app.clone()));
    let mut grid = host.hosting(id).await;
    let verified = |event: &Value| cell(event, "late").is_some_and(|cell| cell.contains('v'));
    grid.until(|event| event.name == "grid" && verified(&event.data)).await;
    verifying.abort();
    let there = table(&host, id).await;
    for (name, state) in [("forger", ["no", "no"]), ("honest", ["yes", "yes"]), ("late", ["yes", "yes"])] {
        assert_eq!(marks(&there, name), state, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_exported_runs_to_the_same_outcomes() {
    let class = Hosted::start(ServeConfig::default()).await;
    let course = class.app.app.course.clone();
    let booted = class.app.app.benches.booted().clone();
    let learner = class.join("otter").await;
    let lesson = course.lesson("lost-update").unwrap();
    let run = |program: Option<&str>, settings: &Settings, seed: u64| {
        let request = RunRequest {
            lesson: lesson.slug.clone(),
            program: program.unwrap_or(&lesson.program).to_owned(),
            own_program: program.is_some(),
            driver: lesson.exercise.driver.clone().filter(|_| program.is_some()),
            settings: lesson.settings(settings).unwrap(),
            seconds: 1,
            seed,
            wiring: lesson.wiring.clone(),
        };
        judge::outcome(lesson, &booted.run(&request, &mut |_| true).unwrap())
    };
    let hard: Settings = serde_json::from_value(json!({ "kind": "hard" })).unwrap();
    for (program, settings, seed) in [(None, &hard, 7), (Some(&*lesson.starter), &Settings::new(), 123_456)] {
        let row = run(program, settings, seed);
        let answer = learner.post("/api/lessons/lost-update/outcomes", row).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    }
    learner.put("/api/lessons/lost-update/work", work(&lesson.starter)).await;

    let exported: Value =
        serde_json::from_str(&class.host.get(&format!("/class/{}/results.json", class.id)).await.text).unwrap();
    let kept = &exported["learners"][0]["work"]["lost-update"];
    let rows = kept["outcomes"].as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let program = (row["program"] == "own").then(|| kept["program"].as_str().unwrap());
        let settings = serde_json::from_value(row["settings"].clone()).unwrap();
        let again = run(program, &settings, row["seed"].as_u64().unwrap());
        for part in ["values", "verdict", "answers", "why", "version", "seconds"] {
            assert_eq!(again[part], row[part], "{part}");
        }
    }
}

#[tokio::test]
async fn the_class_is_a_sampler_of_one_setting() {
    let class = Hosted::start(ServeConfig::default()).await;
    let learners = [class.join("a").await, class.join("b").await, class.join("c").await, class.join("d").await];
    let hard = json!({ "kind": "hard" });
    let run = async |learner: &Visitor, settings: &Value, program: &str, seed: u32, lost: u32| {
        let row = json!({
            "lesson": "lost-update", "settings": settings, "changed": [], "program": program, "seconds": 1, "seed": seed,
            "why": "finished", "values": { "lost": lost, "isr_adds": 400 }, "verdict": null, "answers": {},
        });
        let answer = learner.post("/api/lessons/lost-update/outcomes", row).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    };
    run(&learners[0], &hard, "lesson", 1, 400).await;
    run(&learners[0], &hard, "lesson", 11, 100).await;
    run(&learners[1], &hard, "lesson", 22, 120).await;
    run(&learners[2], &json!({ "kind": "soft" }), "lesson", 33, 5).await;
    run(&learners[2], &hard, "own", 33, 7).await;
    let ask = json!({ "lesson": "lost-update", "settings": hard });
    let sample = class.host.post(&class.api("/sample"), ask.clone()).await.json;
    let points = json!([{ "value": 0.25, "seed": 11 }, { "value": 0.3, "seed": 22 }]);
    assert_eq!(
        sample,
        json!({ "name": "lost", "of": "isr_adds", "points": points, "learners": 4 }),
        "the newest of each"
    );
    assert_eq!(learners[0].post(&class.api("/sample"), ask).await.code(), "class-host-only");

    // One setting for all, each with a seed of their own.
    let told = json!({ "tell": "push", "lesson": "lost-update", "settings": hard, "seed": null, "each": true });
    assert_eq!(class.tell(told).await.status, StatusCode::OK);
    let mut seeds = std::collections::BTreeSet::new();
    for learner in &learners {
        let push = learner.events(None).await.until(|event| event.name == "class").await.data["push"].clone();
        assert_eq!(push["settings"], json!({ "kind": "hard" }));
        seeds.insert(push["seed"].as_u64().unwrap());
    }
    assert_eq!(seeds.len(), learners.len());
    for language in ["en", "ja"] {
        let path = format!("/class/{}/sampler", class.id);
        let page = class.host.send(Method::GET, &path, &[("accept-language", language)], String::new()).await;
        assert!(page.status == StatusCode::OK && !page.text.contains(">class."), "{language}");
    }
}

/// `isrlab class ...`
fn command(arguments: &[&str], folder: &std::path::Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    command.arg("class").args(arguments).arg("--data").arg(folder).env("LANG", "C").env_remove("LC_ALL");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_command_line_takes_a_class_to_another_folder() {
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let class = Hosted::start(ServeConfig { data: Some(folder.path().to_owned()), ..ServeConfig::default() }).await;
    let learner = class.join("=1%2B1").await;
    learner.put("/api/lessons/lost-update/work", work("kept = 1")).await;
    // While the workbench runs.
    assert!(command(&["list"], folder.path()).contains("10b"));
    let table = command(&["export", "10b", "--csv"], folder.path());
    assert!(table.starts_with('\u{feff}') && table.contains("'=1+1"), "cells are inert: {table}");
    let file = other.path().join("class.json");
    std::fs::write(&file, command(&["export", "10b", "--json"], folder.path())).unwrap();
    let number = command(&["import", file.to_str().unwrap()], other.path());
    assert_eq!(command(&["export", number.trim(), "--csv"], other.path()), table);
    assert!(command(&["list"], other.path()).contains("10b"));
    let link = command(&["link"], folder.path());
    let path = link.trim().rsplit("/host/").next().unwrap();
    assert_eq!(path.len(), 32, "128 bits: {link}");
    let stranger = class.app.stranger_from(LEARNER).await;
    let answer = stranger.get(&format!("/host/{path}")).await;
    assert_eq!(answer.headers[header::LOCATION], "/class");
}

#[test]
fn a_class_can_be_rehearsed() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    let server = Server::start(command.args(["serve", "--listen", "127.0.0.1:0", "--data"]).arg(data.path()));
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    command.args(["class", "rehearse", "--pupils", "3", "--seconds", "25", "--pause", "0.3", "--at", &server.address]);
    let output = command.env("LANG", "C").env_remove("LC_ALL").output().unwrap();
    let (said, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}{error}");
    let [page, figures] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    let changes: u32 = figures.split(' ').next().unwrap().parse().unwrap();
    assert!(changes >= 6 && figures.contains("; 0 did not arrive; 3 pupils at work"), "{figures}");
    // What they did is in the class, and the host may look at it.
    let id = page.rsplit('/').next().unwrap();
    let table = server.ask("GET", &format!("/class/{id}/results.csv"), "", "").body;
    assert_eq!(table.trim_end().lines().count(), 1 + 3 * 4, "a row for each pupil and lesson: {table}");
    assert!(marks_of_all(&table).contains(&"yes".to_owned()), "somebody has passed: {table}");
}

/// Behind a proxy nobody is host for sitting at the computer: whoever has the data folder is.
#[test]
fn a_class_behind_a_proxy_can_be_rehearsed() {
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--behind-proxy", "127.0.0.1", "--public-url"]);
    let server = Server::start(command.args(["https://isrlab.school.example", "--data"]).arg(data.path()));
    let rehearse = |options: &[&std::ffi::OsStr]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
        command.args(["class", "rehearse", "--pupils", "1", "--seconds", "1", "--at", &server.address]);
        command.args(options).env("LANG", "C").env_remove("LC_ALL").output().unwrap()
    };
    let refused = rehearse(&[]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success() && told.contains("--data"), "{told}");
    let done = rehearse(&["--data".as_ref(), data.path().as_os_str()]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("/class/"));
}

/// Whether any file of the data folder, the log of changes among them, holds these bytes.
fn holds(folder: &std::path::Path, text: &str) -> bool {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .any(|file| file.windows(text.len()).any(|window| window == text.as_bytes()))
}

#[tokio::test]
async fn an_ended_class_is_read_and_a_deleted_one_is_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let class = Hosted::start(ServeConfig { data: Some(folder.path().to_owned()), ..ServeConfig::default() }).await;
    let learner = class.join("quokka-of-the-class").await;
    learner.put("/api/lessons/lost-update/work", work("secret_program_of_mine = 1")).await;
    report(&class, &learner, "a_report_that_waits = 1").await;
    class.tell(json!({ "tell": "message", "text": "message-to-the-class" })).await;
    // Who is removed is gone before the class is.
    let stoat = class.join("stoat-who-goes").await;
    stoat.put("/api/lessons/lost-update/work", work("program_of_stoat = 1")).await;
    assert!(holds(folder.path(), "program_of_stoat") && holds(folder.path(), "stoat-who-goes"));
    let seat = class.seat("stoat-who-goes");
    class.host.send(Method::DELETE, &class.api(&format!("/seats/{seat}")), &[], String::new()).await;
    assert!(!holds(folder.path(), "program_of_stoat") && !holds(folder.path(), "stoat-who-goes"));
    class.host.post(&class.api("/end"), json!({})).await;
    assert_eq!(learner.put("/api/lessons/lost-update/work", work("x")).await.code(), "class-ended");
    assert_eq!(learner.post("/api/lessons/lost-update/check", json!({ "program": "x" })).await.code(), "class-ended");
    assert_eq!(learner.get("/api/lessons/lost-update/work").await.json["program"], "secret_program_of_mine = 1");
    let late = class.app.stranger_from(LEARNER).await;
    let refused = late.submit("/join", &format!("pin={}&name=late", class.pin())).await;
    assert!(refused.text.contains("class-ended"), "{}", refused.text);

    let seat = class.seat("quokka-of-the-class");
    class.host.post(&class.api(&format!("/seats/{seat}/note")), json!({ "text": "a-note-to-quokka" })).await;
    let secrets = [
        "secret_program_of_mine",
        "quokka-of-the-class",
        "a-note-to-quokka",
        "a_report_that_waits",
        "message-to-the-class",
    ];
    for secret in secrets {
        assert!(holds(folder.path(), secret), "{secret}");
    }
    let deleted = class.host.send(Method::DELETE, &class.api(""), &[], String::new()).await;
    assert_eq!(deleted.status, StatusCode::OK, "{}", deleted.text);
    for secret in secrets {
        assert!(!holds(folder.path(), secret), "{secret} is still in the file or in its log");
    }
    assert!(!learner.get("/lessons/lost-update").await.text.contains("data-class-strip"), "the cookie opens nothing");
    assert_eq!(class.host.get(&format!("/class/{}", class.id)).await.status, StatusCode::NOT_FOUND);
}
