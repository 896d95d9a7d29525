//! The race explorer on the page: the report, single arrivals, giving up, and what is refused.

use axum::http::StatusCode;
use serde_json::json;

use super::app::TestApp;

const EXPLORE: &str = "/api/lessons/lost-update/explore";
const AT: &str = "/api/lessons/lost-update/explore/at";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_tells_every_arrival_and_single_ones_agree_with_it() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let settings = json!({ "kind": "hard", "expression": "plain", "cure": "none" });
    let answer = visitor.post(EXPLORE, json!({ "settings": settings })).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let report = answer.json;
    events.until(|event| event.name == "explore" && event.data["state"] == "done").await;
    let arrivals = report["instructions"].as_u64().unwrap() + 1;
    for pieces in ["intervals", "deliveries", "stories", "machine"] {
        let mut next = 0;
        for piece in report[pieces].as_array().unwrap() {
            let (from, to) = match piece.as_array() {
                Some(triple) => (triple[0].as_u64().unwrap(), triple[1].as_u64().unwrap()),
                None => (piece["from"].as_u64().unwrap(), piece["to"].as_u64().unwrap()),
            };
            assert_eq!(from, next, "{pieces} have a hole or overlap");
            next = to;
        }
        assert_eq!(next, arrivals, "{pieces} do not cover all arrivals");
    }
    assert_eq!(report["shared"], json!(["count"]));
    // Every story of the report is what single arrivals of its range tell.
    for story in report["stories"].as_array().unwrap() {
        let (from, to) = (story["from"].as_u64().unwrap(), story["to"].as_u64().unwrap());
        for at in [from, (from + to) / 2, to - 1] {
            let played = visitor.post(AT, json!({ "settings": settings, "at": at })).await.json;
            let verdict =
                report["intervals"].as_array().unwrap().iter().find(|interval| interval["to"].as_u64() > Some(at));
            assert_eq!(played["verdict"], verdict.unwrap()["verdict"], "arrival {at}");
            let bare = |step: &serde_json::Value| (step["side"].clone(), step["does"].clone(), step["value"].clone());
            let told: Vec<_> = story["steps"].as_array().unwrap().iter().map(bare).collect();
            let seen: Vec<_> = played["steps"].as_array().unwrap().iter().map(bare).collect();
            assert_eq!(told, seen, "arrival {at}");
            assert_eq!(
                played["machine"]["code"].as_array().unwrap().iter().filter(|line| line["done"] == false).count(),
                3
            );
        }
    }
    let lost = report["stories"].as_array().unwrap().iter().find(|story| story["after"]["count"] == "5").unwrap();
    assert_eq!(lost["expected"], json!({ "count": "6" }));
    let sentence = report["shortest_loss"]["sentence"]["en"].as_str().unwrap();
    assert!(sentence.contains("`count` should be 6"), "{sentence}");
    assert!(answer.text.len() < 64 * 1024, "{} bytes", answer.text.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_exploration_takes_the_place_of_an_older_one() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let mut events = visitor.events(None).await;
    let (first, other) = (visitor.clone(), visitor.clone());
    // Lost bytes has the longer windows, so the first one is still going on.
    let first = tokio::spawn(async move { first.post("/api/lessons/lost-bytes/explore", json!({})).await });
    events.until(|event| event.name == "explore").await;
    let second = other.post(EXPLORE, json!({})).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.text);
    let first = first.await.unwrap();
    assert_eq!((first.status, first.code()), (StatusCode::CONFLICT, "explore-given-up"), "{}", first.text);
    events.until(|event| event.name == "explore" && event.data["code"] == "explore-given-up").await;

    let cancelled = tokio::spawn(async move { visitor.post("/api/lessons/lost-bytes/explore", json!({})).await });
    events
        .until(|event| {
            event.name == "explore" && event.data["lesson"] == "lost-bytes" && event.data["state"] == "running"
        })
        .await;
    assert_eq!(other.post("/api/lessons/lost-bytes/explore/cancel", json!({})).await.status, StatusCode::OK);
    assert_eq!(cancelled.await.unwrap().code(), "explore-given-up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_explored_is_refused_in_both_languages() {
    let app = TestApp::new();
    let visitor = app.visitor().await;
    let starter = visitor.get("/api/lessons/lost-update/work").await;
    assert_eq!(starter.status, StatusCode::OK);
    let explore = |program: &str| json!({ "program": program, "exercise": true });
    let cases = [
        ("def main_part(n:\n", "explore-program-failed"),
        ("import lab\n", "explore-no-mark"),
        (
            "import lab\nmain_adds = isr_adds = 0\ndef tick(t): pass\ndef total(): return 0\ndef main_part(n):\n    for i in range(20000): pass\n",
            "explore-window-too-long",
        ),
    ];
    for (program, code) in cases {
        let answer = visitor.post(EXPLORE, explore(program)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNPROCESSABLE_ENTITY, code), "{}", answer.text);
        let japanese = visitor
            .send(
                axum::http::Method::POST,
                EXPLORE,
                &[("content-type", "application/json"), ("accept-language", "ja")],
                explore(program).to_string(),
            )
            .await;
        assert!(japanese.json["error"]["message"].as_str().unwrap().contains('。'), "{}", japanese.text);
    }
    let unknown = visitor.post("/api/lessons/how-late/explore", json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::NOT_FOUND, "explore-no-window"));
    let outside = visitor.post(AT, json!({ "at": 1_000_000 })).await;
    assert_eq!((outside.status, outside.code()), (StatusCode::UNPROCESSABLE_ENTITY, "explore-no-arrival"));
}
