//! A visitor's answers, edits and results.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::json::Body;
use crate::app::AppState;
use crate::error::Problem;
use crate::pages::bench::key_number_name;
use crate::store::{SavedWork, WaitingCheck, Work};
use crate::visitor::{Visitor, Visitors};
use workbench::asked::{check_program, lesson};
use workbench::reported::{ReportedCheck, ReportedOutcome};

/// `GET /api/lessons/{slug}/work`
pub(crate) async fn read(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Json<Work>, Problem> {
    let lesson = lesson(&app.course, &slug)?;
    Ok(Json(app.store.work(visitor.id, lesson.slug.clone()).await?))
}

/// `PUT /api/lessons/{slug}/work`: answered when it is on the disk.
pub(crate) async fn save(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Body(work): Body<SavedWork>,
) -> Result<Json<Value>, Problem> {
    let lesson = lesson(&app.course, &slug)?;
    app.classes.may_write(visitor.member)?;
    let (allowed, steps) = (Visitors::allowance(&app, visitor), work.steps.clone());
    app.store.save_work(visitor.id, lesson.slug.clone(), work, allowed).await?;
    app.classes.saved(visitor.id, &lesson.slug, &steps).await?;
    Ok(Json(json!({ "saved": true })))
}

/// `GET /api/lessons`: the files of the course, for a board in the visitor's tab.
pub(crate) async fn lesson_files(State(app): State<AppState>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], app.lesson_files.clone())
}

/// `POST /api/lessons/{slug}/outcomes`: what a board in the visitor's tab measured, kept as reported.
pub(crate) async fn report_outcome(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Body(outcome): Body<ReportedOutcome>,
) -> Result<Json<Value>, Problem> {
    let lesson = lesson(&app.course, &slug)?;
    app.classes.may_write(visitor.member)?;
    let row = outcome.row(lesson)?;
    let row = app.store.add_outcome(visitor.id, lesson.slug.clone(), row).await?;
    // The board is in the tab: none of the server's is taken for it.
    app.benches.desk(visitor.id).feed.publish_json("outcome", &row);
    app.classes.ran(visitor.id, &lesson.slug, &row, &key_number_name(lesson)).await?;
    Ok(Json(json!({ "n": row["n"] })))
}

/// `POST /api/lessons/{slug}/checks`: what a check in the visitor's tab came to. One that passed counts as reported until the
/// server has run the program itself.
pub(crate) async fn report_check(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
    Body(report): Body<ReportedCheck>,
) -> Result<Json<Value>, Problem> {
    let lesson = lesson(&app.course, &slug)?;
    app.classes.may_write(visitor.member)?;
    check_program(&report.program)?;
    let verdict = report.verdict(lesson)?;
    let check = WaitingCheck { visitor: visitor.id, lesson: lesson.slug.clone(), program: report.program };
    let allowed = Visitors::allowance(&app, visitor);
    let passed = verdict["passed"] == true;
    let proof = app.store.report_check(check, verdict, allowed).await?;
    app.classes.checked(visitor.id, &lesson.slug, passed, false).await?;
    app.reported.notify_one();
    Ok(Json(json!({ "proof": proof })))
}

/// `DELETE /api/lessons/{slug}/outcomes`
pub(crate) async fn clear_outcomes(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Json<Value>, Problem> {
    let lesson = lesson(&app.course, &slug)?;
    app.classes.may_write(visitor.member)?;
    app.store.clear_outcomes(visitor.id, lesson.slug.clone()).await?;
    Ok(Json(json!({ "cleared": true })))
}
