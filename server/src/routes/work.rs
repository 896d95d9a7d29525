//! A visitor's answers, edits and results.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::board::lesson;
use super::json::Body;
use crate::app::AppState;
use crate::error::Problem;
use crate::store::{SavedWork, Work};
use crate::visitor::{Visitor, Visitors};

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
    let allowed = Visitors::allowance(&app, visitor);
    app.store.save_work(visitor.id, lesson.slug.clone(), work, allowed).await?;
    Ok(Json(json!({ "saved": true })))
}

/// `DELETE /api/lessons/{slug}/outcomes`
pub(crate) async fn clear_outcomes(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(slug): Path<String>,
) -> Result<Json<Value>, Problem> {
    let lesson = lesson(&app.course, &slug)?;
    app.store.clear_outcomes(visitor.id, lesson.slug.clone()).await?;
    Ok(Json(json!({ "cleared": true })))
}
