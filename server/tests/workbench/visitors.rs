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
async fn who_works_keeps_the_board_and_who_only_looks_gives_way_with_a_notice() {
    let app = TestApp::with_limits(Limits { boards: 2, ..Limits::default() });
    let (works, looks) = (app.visitor().await, app.visitor().await);
    let (mut at_work, mut looking) = (works.events(None).await, looks.events(None).await);
    works.post("/api/run", json!({ "lesson": "lost-update", "seconds": 600 })).await;
    at_work.until(|event| event.name == "run" && event.data["state"] == "running").await;

    let third = app.stranger().await;
    for page in ["/", "/lessons/lost-update", "/boards", "/api/boards"] {
        assert_eq!(third.get(page).await.status, StatusCode::OK, "{page} is there without a board");
    }
    let mut waiting = third.events(None).await;
    let told = waiting.until(|event| event.name == "notice").await;
    assert_eq!(told.data["code"], "board-none-yet");
    let checked = third.post("/api/lessons/lost-update/check", json!({ "program": "" })).await;
    assert_eq!(checked.status, StatusCode::OK, "a check needs no board: {}", checked.text);

    // A board is made for whoever presses Run; it boots before the run can begin.
    third.post("/api/console", json!({ "text": "\n" })).await;
    let told = looking.until(|event| event.name == "notice").await;
    assert_eq!(told.data["code"], "board-reclaimed");
    waiting.until(|event| event.name == "board" && event.data["state"] == "ready").await;
    third.run_to_the_end(&mut waiting).await;
    assert!(at_work.seen.iter().all(|event| event.name != "notice"));

    let fourth = app.stranger().await;
    let refused = fourth.post("/api/run", json!({ "lesson": "lost-update", "seconds": 1 })).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "all-boards-taken"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_that_never_ends_and_that_nobody_looks_at_holds_no_board() {
    let limits = Limits { boards: 2, board_deserted: std::time::Duration::ZERO, ..Limits::default() };
    let app = TestApp::with_limits(limits);
    for _ in 0..2 {
        let left = app.visitor().await;
        let body = json!({ "lesson": "lost-update", "seconds": 600, "program": "while True: pass" });
        assert_eq!(left.post("/api/run", body).await.status, StatusCode::OK);
    }
    for _ in 0..3 {
        // It gets a board that boots, which `visitor` waits for.
        app.visitor().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_class_host_frees_a_virtual_board_and_nobody_else_does() {
    let app = TestApp::new();
    let (pupil, host) = (app.visitor_from([10, 0, 0, 7]).await, app.visitor().await);
    let mut events = pupil.events(None).await;
    assert_eq!(pupil.post("/api/run", json!({ "lesson": "lost-update", "seconds": 600 })).await.status, StatusCode::OK);
    events.until(|event| event.name == "run" && event.data["state"] == "running").await;
    let boards = host.boards().await.until(|event| event.name == "boards").await.data;
    let other = boards["boards"].as_array().unwrap().iter().find(|board| board["user"] == "another").unwrap();
    let path = format!("/api/boards/{}/give-back", other["id"].as_str().unwrap());
    assert!(host.get("/boards").await.text.contains("data-action=\"give-back\""));
    let list = pupil.boards().await.until(|event| event.name == "boards").await.data;
    assert!(
        list["boards"].as_array().unwrap().iter().all(|board| board["user"] != "another"),
        "a pupil sees their own"
    );
    let second = app.visitor_from([10, 0, 0, 8]).await;
    let refused = second.post(&path, json!({})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "host-only"));
    assert_eq!(host.post(&path, json!({})).await.status, StatusCode::OK);
    let ended = events.until(|event| event.name == "run" && event.data["state"] == "ended").await;
    assert!(ended.data["why"] == "stopped" || ended.data["why"] == "restarted", "the run ends in order: {ended:?}");
    events.until(|event| event.name == "notice" && event.data["code"] == "board-reclaimed").await;
    // The page that is open hears of the next board.
    pupil.post("/api/console", json!({ "text": "\n" })).await;
    events.until(|event| event.name == "board" && event.data["state"] == "ready").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pupils_check_is_done_beside_forty_that_go_on_and_each_visitor_has_one() {
    let app = TestApp::new();
    let endless = json!({ "program": "while True: pass" });
    let mut strangers = Vec::new();
    for _ in 0..40 {
        let (stranger, body) = (app.stranger().await, endless.clone());
        strangers.push(tokio::spawn(async move {
            loop {
                stranger.post("/api/lessons/how-late/check", body.clone()).await;
            }
        }));
    }
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let pupil = app.stranger().await;
    let first = {
        let pupil = pupil.clone();
        let body = endless.clone();
        tokio::spawn(async move { pupil.post("/api/lessons/how-late/check", body).await })
    };
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let second = pupil.post("/api/lessons/lost-update/check", json!({ "program": "syntax error" })).await;
    assert_eq!((second.status, second.json["passed"].as_bool()), (StatusCode::OK, Some(false)), "{}", second.text);
    assert_eq!(first.await.unwrap().code(), "check-given-up");
    strangers.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_answer_key_is_the_class_hosts() {
    let app = TestApp::new();
    let (pupil, host) = (app.visitor_from([10, 0, 0, 7]).await, app.visitor().await);
    let refused = pupil.get("/teachers/key").await;
    assert_eq!((refused.status, refused.text.contains("wrong/")), (StatusCode::FORBIDDEN, false));
    assert!(!pupil.get("/teachers").await.text.contains("/teachers/key"), "nobody is led to what they may not see");
    assert_eq!(host.get("/teachers/key").await.status, StatusCode::OK);
    assert!(host.get("/teachers").await.text.contains("href=\"/teachers/key\""));
    for path in ["/documents", "/glossary", "/lab", "/chapters/when/quiz", "/lessons/how-late/worksheet", "/?time=45"] {
        assert_eq!(pupil.get(path).await.status, StatusCode::OK, "{path}");
    }
    for path in ["/chapters/nowhere/quiz", "/chapters/nowhere/worksheets", "/lessons/nowhere/worksheet"] {
        assert_eq!(pupil.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
