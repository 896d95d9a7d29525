//! Flashing as a job on the host: several boards at once, no page needed, nothing written twice.

use axum::http::StatusCode;
use isrlab::config::ServeConfig;
use isrlab::firmware::FLASH_IMAGE;
use serde_json::{Value, json};

use super::app::{Event, TestApp};
use super::attached::{board, path, until};
use super::cabled::CabledBoard;

/// Flash contents that boot as the lesson firmware does, but differ from it behind the end of the partition table.
fn outdated() -> Vec<u8> {
    let mut flash = FLASH_IMAGE.to_vec();
    flash[0x8FF0..0x9000].fill(0);
    flash
}

fn blank() -> Vec<u8> {
    vec![0xFF; FLASH_IMAGE.len()]
}

fn app(boards: &[&CabledBoard]) -> TestApp {
    let boards = boards.iter().map(|board| board.port.parse().unwrap()).collect();
    TestApp::with(ServeConfig { boards, lan: true, ..ServeConfig::default() })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_boards_are_flashed_at_once_with_no_page_open_and_then_nothing_is_written_again() {
    let (first, second) = (CabledBoard::network(&outdated()).await, CabledBoard::network(&blank()).await);
    let app = app(&[&first, &second]);
    let visitor = app.visitor().await;
    for board in [&first, &second] {
        let begun = visitor.post(&path(&board.port, "flash"), json!({})).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    }
    let refused = visitor.post(&path(&first.port, "flash"), json!({})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "board-flashing"));
    // A page is opened later, by somebody else.
    let other = app.visitor_from([10, 0, 0, 7]).await;
    let mut boards = other.boards().await;
    let both_done = |event: &Event| {
        [&first, &second].iter().all(|at| {
            let board = board(&event.data, &at.port);
            board["flashed"]["outcome"] == "done" && board["state"] == "free"
        })
    };
    let list = boards.until(both_done).await.data;
    let written = |at: &CabledBoard| board(&list, &at.port)["flashed"]["written_bytes"].as_u64().unwrap();
    assert!(written(&first) > 0 && written(&first) < written(&second), "{list}");
    let done = board(&list, &second.port);
    assert_eq!((&done["chip"], &done["flashed"]["baud"]), (&json!("esp32c3"), &json!(921_600)));
    assert!(done["firmware"].is_string(), "what was written has been seen to run: {done}");
    let progress: Vec<&Value> = boards
        .seen
        .iter()
        .map(|event| board(&event.data, &second.port))
        .filter(|board| board["state"] == "flashing")
        .collect();
    assert!(progress.iter().any(|board| board["stage"] == "writing" && board["bytes_per_second"].as_u64() > Some(0)));
    let percents: Vec<u64> = progress.iter().map(|board| board["percent"].as_u64().unwrap()).collect();
    assert!(percents.is_sorted(), "{percents:?}");

    assert_eq!(other.post(&path(&first.port, "flash"), json!({})).await.status, StatusCode::OK);
    until(&mut boards, &first.port, "flashing").await;
    let again = until(&mut boards, &first.port, "free").await;
    assert_eq!(again["flashed"]["written_bytes"], 0, "{again}");
    for board in [first, second] {
        let flash = board.unplug().await;
        for (sector, expected) in flash.chunks(0x1000).zip(FLASH_IMAGE.chunks(0x1000)) {
            assert!(sector == expected || expected.iter().all(|&byte| byte == 0xFF));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_board_is_flashed_into_its_live_console_and_a_job_is_cancelled_safely() {
    let cabled = CabledBoard::network(&outdated()).await;
    let app = app(&[&cabled]);
    let (learner, other) = (app.visitor_from([10, 0, 0, 7]).await, app.visitor_from([10, 0, 0, 8]).await);
    let port = &cabled.port;
    let mut boards = learner.boards().await;
    assert_eq!(other.post(&path(port, "flash"), json!({})).await.status, StatusCode::OK);
    let flashing = until(&mut boards, port, "flashing").await;
    assert!(flashing["stage"].is_string() && flashing["percent"].is_u64(), "{flashing}");
    let refused = learner.post(&path(port, "flash/cancel"), json!({})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::FORBIDDEN, "host-only"));
    let refused = learner.post(&path(port, "take"), json!({})).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::CONFLICT, "board-flashing"));
    assert_eq!(other.post(&path(port, "flash/cancel"), json!({})).await.status, StatusCode::OK);
    let cancelled = until(&mut boards, port, "free").await;
    assert_eq!(cancelled["flashed"]["outcome"], "failed", "{cancelled}");
    let idle = other.post(&path(port, "flash/cancel"), json!({})).await;
    assert_eq!((idle.status, idle.code()), (StatusCode::CONFLICT, "nothing-flashes"));

    let mut events = learner.events(None).await;
    assert_eq!(learner.post(&path(port, "take"), json!({})).await.status, StatusCode::OK);
    assert_eq!(learner.post(&path(port, "flash"), json!({})).await.status, StatusCode::OK);
    events.until(|event| event.name == "board" && event.data["state"] == "flashing").await;
    let run = learner.post("/api/run", json!({ "lesson": "lost-update" })).await;
    assert_eq!((run.status, run.code()), (StatusCode::CONFLICT, "board-flashing"));
    events.until(|event| event.name == "board" && event.data["flashed"]["outcome"] == "done").await;
    events.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains(">>> ")).await;
    events.until(|event| event.name == "board" && event.data["state"] == "ready").await;
    assert_eq!(learner.post("/api/console", json!({ "text": "6*7\n" })).await.status, StatusCode::OK);
    events.until(|event| event.name == "console" && event.data["text"].as_str().unwrap().contains("42")).await;
}
