//! Visitors are kept apart, and a dropped connection is resumed.

use axum::http::{StatusCode, header};
use isrlab::config::Limits;
use serde_json::json;

use super::app::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_is_known_by_its_cookie_alone() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let again = visitor.get("/api/boards").await;
    assert!(!again.headers.contains_key(header::SET_COOKIE), "a known visitor keeps the cookie");
    let mut forger = visitor.clone();
    forger.cookie = format!("visitor={}", "0".repeat(64));
    let work = json!({ "program": "mine" });
    let refused = forger.put("/api/lessons/lost-update/work", work.clone()).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::UNAUTHORIZED, "visitor-unknown"));
    assert_eq!(visitor.put("/api/lessons/lost-update/work", work).await.status, StatusCode::OK);
    let other = app.visitor().await;
    assert_eq!(other.get("/api/lessons/lost-update/work").await.json["program"], serde_json::Value::Null);
    assert_eq!(visitor.get("/api/lessons/lost-update/work").await.json["program"], "mine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_is_seen_by_its_own_visitor_only_and_resumes_after_a_dropped_connection() {
    let app = TestApp::new();
    let (visitor, other) = (app.visitor().await, app.visitor().await);
    let (mut events, mut others) = (visitor.events(None).await, other.events(None).await);
    let body = json!({ "lesson": "lost-update", "seconds": 1 });
    assert_eq!(visitor.post("/api/run", body).await.status, StatusCode::OK);
    let seen = events.until(|event| event.name == "sample" && event.data["run"] == 1000).await.id;
    drop(events);
    let mut resumed = visitor.events(Some(seen)).await;
    assert_eq!(resumed.next().await.id, seen + 1, "nothing is missing");
    resumed.end_of_run().await;
    assert!(resumed.seen.windows(2).all(|pair| pair[1].id == pair[0].id + 1));
    let late = visitor.events(None).await.next().await;
    assert_eq!(late.name, "board", "a new reader is told the state first");
    other.post("/api/console", json!({ "text": "1+1\n" })).await;
    others.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("2\r\n")).await;
    assert!(others.seen.iter().all(|event| event.name != "run" && event.data["run"] != 1000));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn boards_are_bounded_and_an_idle_one_gives_way() {
    let app = TestApp::with_limits(Limits { boards: 2, ..Limits::default() });
    let (first, second) = (app.visitor().await, app.visitor().await);
    let (_one, _two) = (first.events(None).await, second.events(None).await);
    let third = axum::http::Request::get("/api/boards")
        .header(header::HOST, "localhost")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(isrlab::router::router(app.app.clone()), third).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "both boards are being looked at");
    drop(_two);
    // The stream notices with its next event at the latest that nobody reads it.
    second.post("/api/console", json!({ "text": "\n" })).await;
    app.visitor().await;
}
