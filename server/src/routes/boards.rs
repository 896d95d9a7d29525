//! The list of boards, for scripts and for the boards page.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::app::AppState;
use crate::board::actor::describe;
use crate::error::Problem;
use crate::language::Language;
use crate::visitor::Visitor;

/// `GET /api/boards`: every board with its state, and which one is the visitor's own.
pub(crate) async fn list(
    State(app): State<AppState>,
    visitor: Visitor,
    language: Language,
) -> Result<Json<Value>, Problem> {
    let own = app.benches.of(visitor.id)?.board.status().id;
    let boards: Vec<Value> = app
        .benches
        .statuses()
        .iter()
        .map(|status| {
            let mut board = serde_json::to_value(describe(status, language)).unwrap_or_default();
            board["own"] = (status.id == own).into();
            board
        })
        .collect();
    Ok(Json(json!({ "boards": boards })))
}
