//! What tabs report: outcomes and checks, and what the server makes of them.

use axum::http::StatusCode;
use isrlab::verifying::verify_reported;
use serde_json::{Value, json};

use super::app::TestApp;

/// A check of a lesson that passed, as a tab reports it.
fn passed(app: &TestApp, slug: &str, program: &str) -> Value {
    let lesson = app.app.course.lesson(slug).unwrap();
    let count = lesson.exercise.criteria.len() + usize::from(lesson.checks_arrivals());
    json!({ "program": program, "passed": true, "criteria": vec![json!({ "ok": true, "measured": { "lost": 0 } }); count] })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reported_check_counts_once_the_server_has_run_it_and_a_forged_one_never() {
    let app = TestApp::new();
    let visitor = app.stranger().await;
    let lesson = app.app.course.lesson("lost-update").unwrap().clone();
    let (checks, work) = (format!("/api/lessons/{}/checks", lesson.slug), format!("/api/lessons/{}/work", lesson.slug));
    let page = format!("/lessons/{}", lesson.slug);
    let mut events = visitor.events(None).await;
    for (program, proof, passes, words) in
        [(&lesson.starter, "refused", false, "Not verified"), (&lesson.solution, "verified", true, "Verified: ")]
    {
        let answer = visitor.post(&checks, passed(&app, &lesson.slug, program)).await;
        assert_eq!(answer.json, json!({ "proof": "reported" }), "{}", answer.text);
        let shown = visitor.get(&page).await.text;
        let said = shown.split("data-proof").nth(1).and_then(|rest| rest.split("</p>").next());
        assert!(said.is_some_and(|said| said.contains("It counts as reported")), "{said:?}");
        let verifying = tokio::spawn(verify_reported(app.app.clone()));
        let told = events.until(|event| event.name == "proof").await;
        assert_eq!(told.data, json!({ "lesson": lesson.slug, "proof": proof }));
        verifying.abort();
        let kept = visitor.get(&work).await.json;
        assert_eq!((&kept["proof"], &kept["passed"]), (&json!(proof), &json!(passes)));
        assert!(visitor.get(&page).await.text.contains(words), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_report_takes_no_board_and_one_that_no_check_gives_is_refused() {
    let app = TestApp::new();
    let visitor = app.stranger().await;
    let mut events = visitor.tab_events().await;
    let page = visitor.get("/lessons/lost-update").await;
    assert!(page.text.contains(r#""attached":false"#));
    let mut wrong = passed(&app, "lost-update", "1");
    wrong["criteria"][0]["ok"] = false.into();
    let answer = visitor.post("/api/lessons/lost-update/checks", wrong).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "bad-json"));
    let unsendable = passed(&app, "lost-update", "\u{3}");
    assert_eq!(visitor.post("/api/lessons/lost-update/checks", unsendable).await.code(), "program-unsendable");
    let row = json!({
        "lesson": "lost-update", "settings": {}, "changed": [], "program": "lesson", "seconds": 1, "seed": 1,
        "why": "finished", "values": { "lost": 3 }, "verdict": null, "answers": {},
    });
    let answer = visitor.post("/api/lessons/lost-update/outcomes", row).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(events.until(|event| event.name == "outcome").await.data["reported"], true);
    assert_eq!(app.app.benches.boards().len(), 0, "whose board is in the tab needs none here");
}
