//! What a visitor does with their board.

use axum::Json;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::json::Body;
use crate::app::AppState;
use crate::error::Problem;
use crate::visitor::Visitor;
use workbench::asked::{
    AskedConsole, AskedFile, AskedPart, AskedPause, AskedPins, AskedRun, AskedSet, AskedSpeed, needs_hard,
};
use workbench::engine::Speed;

#[derive(Serialize)]
pub(crate) struct RunAnswer {
    id: u32,
}

/// `POST /api/run`
pub(crate) async fn run(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AskedRun>,
) -> Result<Json<RunAnswer>, Problem> {
    let request = body.request(&app.course, app.config.limits.run_seconds)?;
    let board = app.benches.of(visitor)?.board();
    if needs_hard(&app.course, &request) && board.status().can.hard == Some(false) {
        return Err(Problem::NeedsHardInterrupts);
    }
    let id = board.run(request).await?;
    Ok(Json(RunAnswer { id }))
}

/// The answer where there is nothing to say but that it is done.
#[derive(Serialize)]
pub(crate) struct Done {
    done: bool,
}

pub(super) const DONE: Json<Done> = Json(Done { done: true });

/// `POST /api/stop`: answered when the run has ended.
pub(crate) async fn stop(State(app): State<AppState>, visitor: Visitor) -> Result<Json<Done>, Problem> {
    app.benches.of(visitor)?.board().stop().await?;
    Ok(DONE)
}

/// `POST /api/reset`
pub(crate) async fn reset(State(app): State<AppState>, visitor: Visitor) -> Result<Json<Done>, Problem> {
    app.benches.of(visitor)?.board().reset().await?;
    Ok(DONE)
}

/// `POST /api/pause`
pub(crate) async fn pause(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AskedPause>,
) -> Result<Json<Done>, Problem> {
    app.benches.of(visitor)?.board().pause(body.paused).await?;
    Ok(DONE)
}

/// `POST /api/speed`
pub(crate) async fn speed(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AskedSpeed>,
) -> Result<Json<Done>, Problem> {
    let factor = Speed::checked(body.speed).ok_or(Problem::SpeedOutOfRange)?;
    app.benches.of(visitor)?.board().speed(factor).await?;
    Ok(DONE)
}

/// `POST /api/set`: answered when the board has acknowledged it.
pub(crate) async fn set(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AskedSet>,
) -> Result<Json<Done>, Problem> {
    let (name, value) = body.checked(&app.course)?;
    app.benches.of(visitor)?.board().set(name, value).await?;
    Ok(DONE)
}

/// `POST /api/part`: answered when the part on the pins has been moved.
pub(crate) async fn part(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AskedPart>,
) -> Result<Json<Done>, Problem> {
    app.benches.of(visitor)?.board().move_part(body.part, body.control, body.value).await?;
    Ok(DONE)
}

/// `POST /api/pins`: the pins over time, as JSON.
pub(crate) async fn pins(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AskedPins>,
) -> Result<Response, Problem> {
    let told = app.benches.of(visitor)?.board().tell(body.into()).await?;
    Ok(([(CONTENT_TYPE, "application/json")], told.to_string()).into_response())
}

/// `POST /api/files`: the files of the board.
pub(crate) async fn files(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AskedFile>,
) -> Result<Response, Problem> {
    let told = app.benches.of(visitor)?.board().tell(body.command()?).await?;
    Ok(([(CONTENT_TYPE, "application/json")], told.to_string()).into_response())
}

/// `POST /api/console`
pub(crate) async fn console(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AskedConsole>,
) -> Result<Json<Done>, Problem> {
    let (text, lesson) = body.known(&app.course);
    app.benches.of(visitor)?.board().type_text(text, lesson).await?;
    Ok(DONE)
}
