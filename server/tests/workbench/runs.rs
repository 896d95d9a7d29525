//! Runs on the page: samples, live changes, checks, and the same numbers as on the command line.

use axum::http::StatusCode;
use course::{Setting, Settings};
use serde_json::json;
use workbench::headless;
use workbench::record::RunRequest;

use super::app::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_on_the_page_measures_what_the_command_line_measures() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    assert_eq!(visitor.post("/api/speed", json!({ "speed": 0 })).await.status, StatusCode::OK);
    let course = isrlab::lessons::embedded().unwrap();
    let lesson = course.lesson("lost-update").unwrap();
    // Twice: the second run must not see anything of the first one.
    for seed in [7, 7, 8] {
        let changed = Settings::from([("kind".to_owned(), Setting::Text("hard".into()))]);
        let body = json!({ "lesson": "lost-update", "settings": changed, "seconds": 1, "seed": seed });
        assert_eq!(visitor.post("/api/run", body).await.status, StatusCode::OK);
        let row = events.until(|event| event.name == "outcome").await.data;
        let request = RunRequest {
            lesson: lesson.slug.clone(),
            program: lesson.program.clone(),
            own_program: false,
            driver: None,
            settings: lesson.settings(&changed).unwrap(),
            seconds: 1,
            seed,
            wiring: lesson.wiring.clone(),
        };
        let mut drive = isrlab::firmware::booted().unwrap().fresh(seed).unwrap();
        let record = headless::run(&mut drive, &request, &mut |_| true).unwrap();
        assert_eq!(row["values"], serde_json::Value::Object(record.numbers()), "seed {seed}");
        assert!(row["values"]["lost"].as_i64().unwrap() > 0);
        assert_eq!(row["why"], "finished");
        // A page that is opened or loaded again shows the row.
        let page = visitor.get("/lessons/lost-update").await.text;
        assert!(page.contains(&row.to_string()), "{row} is not on the page");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_control_changes_during_the_run() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let body = json!({ "lesson": "lost-update", "settings": { "rate": 1000 }, "seconds": 600 });
    assert_eq!(visitor.post("/api/run", body.clone()).await.status, StatusCode::OK);
    let busy = visitor.post("/api/run", body).await;
    assert_eq!((busy.status, busy.code()), (StatusCode::CONFLICT, "board-busy"));
    events.until(|event| event.name == "sample" && event.data["src"][0]["hz"] == 1000).await;
    let set = json!({ "lesson": "lost-update", "name": "rate", "value": 250 });
    assert_eq!(visitor.post("/api/set", set).await.status, StatusCode::OK);
    events.until(|event| event.name == "sample" && event.data["src"][0]["hz"] == 250).await;
    let changes =
        |event: &super::app::Event| event.data["what"]["kind"] == "control" && event.data["what"]["name"] == "rate";
    assert!(events.seen.iter().any(changes), "the change is an event of the board");
    assert_eq!(visitor.post("/api/stop", json!({})).await.status, StatusCode::OK);
    let row = events.until(|event| event.name == "outcome").await.data;
    assert_eq!((&row["changed"], &row["verdict"]), (&json!(["rate"]), &serde_json::Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_board_stands_still_and_can_be_stopped() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let body = json!({ "lesson": "lost-update", "seconds": 600 });
    assert_eq!(visitor.post("/api/run", body).await.status, StatusCode::OK);
    events.until(|event| event.name == "sample" && event.data["run"] == 1000).await;
    assert_eq!(visitor.post("/api/pause", json!({ "paused": true })).await.status, StatusCode::OK);
    events.until(|event| event.name == "run" && event.data["paused"] == true).await;
    assert_eq!(visitor.post("/api/speed", json!({ "speed": 0.001 })).await.status, StatusCode::OK);
    assert_eq!(visitor.post("/api/stop", json!({})).await.status, StatusCode::OK);
    assert_eq!(events.end_of_run().await.data["why"], "stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_starter_is_refused_and_the_solution_passes() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let course = isrlab::lessons::embedded().unwrap();
    let lesson = course.lesson("lost-update").unwrap();
    let path = "/api/lessons/lost-update/check";
    let failed = visitor.post(path, json!({ "program": lesson.starter })).await;
    assert_eq!((failed.status, &failed.json["passed"]), (StatusCode::OK, &json!(false)), "{}", failed.text);
    assert!(failed.json["message"].as_str().is_some_and(|message| !message.is_empty()));
    // It is answered with an arrival that loses, ready to be played.
    let arrival = &failed.json["arrivals"];
    assert!(arrival["sentence"].as_str().unwrap().contains("`count`"), "{}", failed.text);
    let at =
        json!({ "program": lesson.starter, "exercise": true, "settings": arrival["settings"], "at": arrival["at"] });
    let played = visitor.post("/api/lessons/lost-update/explore/at", at).await.json;
    assert_eq!((&played["verdict"], &played["word"]), (&arrival["verdict"], &arrival["word"]));
    let passed = visitor.post(path, json!({ "program": lesson.solution })).await;
    assert_eq!(passed.json["passed"], true, "{}", passed.text);
    assert_eq!(passed.json["arrivals"], json!(null));
    events.until(|event| event.name == "check" && event.data["state"] == "done" && event.data["passed"] == true).await;
    let broken = visitor.post(path, json!({ "program": "raise ValueError('no')" })).await;
    assert_eq!(broken.json["passed"], false);
    assert!(broken.json["traceback"].as_str().is_some_and(|text| text.contains("ValueError: no")), "{}", broken.text);
    let work = visitor.get("/api/lessons/lost-update/work").await.json;
    assert_eq!((&work["passed"], &work["failures"]), (&json!(true), &json!(2)));
}
