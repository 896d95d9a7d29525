//! Bad input: each kind gets a clear answer, and the board and the other visitors go on.

use axum::http::{Method, StatusCode, header};
use isrlab::config::Limits;
use serde_json::{Value, json};

use super::app::{Events, TestApp, Visitor};

const RUN: &str = "/api/run";

fn run_of(program: &str) -> Value {
    json!({ "lesson": "lost-update", "program": program, "seconds": 2, "seed": 1 })
}

#[track_caller]
fn expect(answer: &super::app::Answer, status: StatusCode, code: &str) {
    assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
    assert!(answer.json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    assert!(answer.json["error"]["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
}

/// The board still does a whole run of the lesson's own program.
async fn still_works(visitor: &Visitor, events: &mut Events) {
    assert_eq!(visitor.post("/api/speed", json!({ "speed": 0 })).await.status, StatusCode::OK);
    let answer = visitor.post(RUN, json!({ "lesson": "lost-update", "seconds": 1 })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(events.end_of_run().await.data["why"], "finished");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_make_no_sense_are_answered_with_what_to_do() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let unprocessable = StatusCode::UNPROCESSABLE_ENTITY;
    let run = |body: Value| visitor.post(RUN, body);
    expect(&run(json!({ "lesson": "no-such" })).await, StatusCode::NOT_FOUND, "lesson-unknown");
    expect(&visitor.get("/api/lessons/no-such/work").await, StatusCode::NOT_FOUND, "lesson-unknown");
    let settings = |settings: Value| json!({ "lesson": "lost-update", "settings": settings });
    expect(&run(settings(json!({ "rate": 1_000_000 }))).await, unprocessable, "control-out-of-range");
    expect(&run(settings(json!({ "kind": "firm" }))).await, unprocessable, "control-option-unknown");
    expect(&run(settings(json!({ "volume": 11 }))).await, unprocessable, "control-unknown");
    expect(&run(json!({ "lesson": "lost-update", "seconds": 0 })).await, unprocessable, "seconds-out-of-range");
    expect(&run(json!({ "lesson": "lost-update", "seconds": 100_000 })).await, unprocessable, "seconds-out-of-range");
    expect(&run(run_of("a = 1\nb = '\u{4}'\n")).await, unprocessable, "program-unsendable");
    expect(&run(json!({ "lesson": 7 })).await, StatusCode::BAD_REQUEST, "bad-json");
    expect(&visitor.post("/api/speed", json!({ "speed": -1 })).await, unprocessable, "speed-out-of-range");
    let set = json!({ "lesson": "lost-update", "name": "rate", "value": 100 });
    expect(&visitor.post("/api/set", set).await, StatusCode::CONFLICT, "nothing-runs");
    expect(&visitor.get("/no/such/page").await, StatusCode::NOT_FOUND, "page-unknown");
    let stop = visitor.send(Method::GET, "/api/stop", &[], String::new()).await;
    expect(&stop, StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed");
    let plain = visitor.send(Method::POST, RUN, &[("content-type", "text/plain")], "{}".into()).await;
    expect(&plain, StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-json");
    let broken = visitor.send(Method::POST, RUN, &[("content-type", "application/json")], "{".into()).await;
    expect(&broken, StatusCode::BAD_REQUEST, "bad-json");
    let large = visitor.post(RUN, run_of(&"#".repeat(Limits::default().body_bytes))).await;
    expect(&large, StatusCode::PAYLOAD_TOO_LARGE, "too-large");
    still_works(&visitor, &mut visitor.events(None).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_problem_is_told_in_the_visitors_language_and_as_a_page_to_a_browser() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let ja = [("accept-language", "ja")];
    let answer = visitor.send(Method::GET, "/api/lessons/nix/work", &ja, String::new()).await;
    expect(&answer, StatusCode::NOT_FOUND, "lesson-unknown");
    assert!(answer.json["error"]["message"].as_str().unwrap().contains("レッスンはありません"));
    let browser = [("accept-language", "ja"), ("accept", "text/html,*/*")];
    let page = visitor.send(Method::GET, "/no/such/page", &browser, String::new()).await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
    assert!(page.text.contains("<html lang=\"ja\"") && page.text.contains("そのページはありません"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn foreign_hosts_and_origins_are_refused() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let rebound = visitor.send(Method::GET, "/api/boards", &[("host", "evil.example")], String::new()).await;
    expect(&rebound, StatusCode::MISDIRECTED_REQUEST, "wrong-host");
    let json = ("content-type", "application/json");
    for (headers, allowed) in [
        (vec![json, ("origin", "http://evil.example")], false),
        (vec![json, ("origin", "null")], false),
        (vec![json, ("origin", "http://localhost:1")], false),
        (vec![json, ("sec-fetch-site", "cross-site")], false),
        (vec![json, ("origin", "http://localhost:7878")], true),
        (vec![json, ("sec-fetch-site", "same-origin")], true),
        (vec![json], true),
    ] {
        let answer = visitor.send(Method::POST, "/api/stop", &headers, "{}".into()).await;
        let expected = if allowed { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(answer.status, expected, "{headers:?}: {}", answer.text);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_requests_is_slowed_down_and_hurts_nobody_else() {
    let app = TestApp::with_limits(Limits { burst: 10, requests_per_second: 1, ..Limits::default() });
    let (flooder, other) = (app.visitor().await, app.visitor().await);
    let mut refused = 0;
    for _ in 0..30 {
        let answer = flooder.get("/api/boards").await;
        if answer.status != StatusCode::OK {
            expect(&answer, StatusCode::TOO_MANY_REQUESTS, "too-many-requests");
            refused += 1;
        }
    }
    assert!(refused >= 15, "{refused} of 30 were refused");
    assert_eq!(other.get("/api/boards").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_syntax_error_comes_back_as_pythons_own_traceback() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    assert_eq!(visitor.post(RUN, run_of("def f(:\n    pass\n")).await.status, StatusCode::OK);
    assert_eq!(events.end_of_run().await.data["why"], "exception");
    assert!(events.console().contains("SyntaxError"), "{}", events.console());
    still_works(&visitor, &mut events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_on_the_console_neither_fills_the_host_nor_hides_the_stop() {
    let app = TestApp::new();
    let (visitor, other) = (app.visitor().await, app.visitor().await);
    let mut events = visitor.events(None).await;
    let answer = visitor
        .post(
            RUN,
            json!({ "lesson": "lost-update", "program": "while True:\n    print('flood ' * 20)\n", "seconds": 600 }),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    events.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("flood flood")).await;
    still_works(&other, &mut other.events(None).await).await;
    assert_eq!(visitor.post("/api/stop", json!({})).await.status, StatusCode::OK);
    events.end_of_run().await;
    let shown: usize = events.seen.iter().map(|event| event.data.to_string().len()).sum();
    assert!(shown < 4_000_000, "{shown} bytes reached the page");
    still_works(&visitor, &mut events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_crashes_the_firmware_ends_its_own_run_only() {
    let app = TestApp::new();
    let (visitor, other) = (app.visitor().await, app.visitor().await);
    let mut events = visitor.events(None).await;
    // A store to an address where nothing is.
    let crash = "import machine\nmachine.mem32[0x10] = 1\nwhile True:\n    pass\n";
    assert_eq!(visitor.post(RUN, run_of(crash)).await.status, StatusCode::OK);
    let end = events.end_of_run().await;
    assert_eq!(end.data["why"], "crashed", "{end:?}");
    events.until(|event| event.name == "board" && event.data["state"] == "ready").await;
    still_works(&visitor, &mut events).await;
    still_works(&other, &mut other.events(None).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_every_endless_program() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    for program in [
        "while True:\n    pass\n",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n",
        "import lab\ndef f(t):\n    while True: pass\nlab.timer(f)\nwhile True: pass\n",
    ] {
        let body =
            json!({ "lesson": "lost-update", "program": program, "seconds": 600, "settings": { "kind": "hard" } });
        assert_eq!(visitor.post(RUN, body).await.status, StatusCode::OK);
        events.until(|event| event.name == "run" && event.data["state"] == "running").await;
        assert_eq!(visitor.post("/api/stop", json!({})).await.status, StatusCode::OK);
        let why = events.end_of_run().await.data["why"].clone();
        assert!(why == "stopped" || why == "restarted", "{why} after {program}");
        events.until(|event| event.name == "board" && event.data["state"] == "ready").await;
    }
    still_works(&visitor, &mut events).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_protecting_headers() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    for path in ["/api/boards", "/no/such/page", "/api/lessons/no-such/work"] {
        let answer = visitor.get(path).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
        // The board in a tab is WebAssembly, which has a permission of its own; nothing else is allowed.
        assert_eq!(policy.matches(" 'wasm-unsafe-eval'").count(), 1, "{path}: {policy}");
        assert_eq!(policy.matches("unsafe").count(), 1, "{path}: {policy}");
        assert!(policy.starts_with("default-src 'none'"), "{path}: {policy}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff", "{path}");
    }
}
