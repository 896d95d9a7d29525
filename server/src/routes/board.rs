//! What a visitor does with their board.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::json::Body;
use crate::app::AppState;
use crate::error::Problem;
use crate::visitor::Visitor;
use course::{Course, Lesson, Setting, Settings};
use workbench::engine::Speed;
use workbench::record::RunRequest;

/// The lesson of this slug.
pub(super) fn lesson<'c>(course: &'c Course, slug: &str) -> Result<&'c Lesson, Problem> {
    course.lesson(slug).ok_or_else(|| Problem::LessonUnknown(slug.chars().take(64).collect()))
}

/// Refuses characters that would steer the prompt in the place of being program text.
pub(super) fn check_program(program: &str) -> Result<(), Problem> {
    let steering = |c: char| c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t');
    let found = program.lines().enumerate().find_map(|(at, line)| Some((at + 1, line.chars().find(|c| steering(*c))?)));
    match found {
        Some((line, c)) => Err(Problem::ProgramUnsendable { line, code: c.into() }),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunBody {
    lesson: String,
    /// The visitor's text; the lesson's program without it.
    #[serde(default)]
    program: Option<String>,
    #[serde(default)]
    settings: Settings,
    #[serde(default)]
    seconds: Option<u32>,
    #[serde(default)]
    seed: Option<u64>,
}

#[derive(Serialize)]
pub(crate) struct RunAnswer {
    id: u32,
}

/// `POST /api/run`
pub(crate) async fn run(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<RunBody>,
) -> Result<Json<RunAnswer>, Problem> {
    let lesson = lesson(&app.course, &body.lesson)?;
    let own_program = body.program.is_some();
    let program = body.program.unwrap_or_else(|| lesson.program.clone());
    check_program(&program)?;
    let most = app.config.limits.run_seconds;
    let seconds = body.seconds.unwrap_or(lesson.run.seconds);
    if !(1..=most).contains(&seconds) {
        return Err(Problem::SecondsOutOfRange(most));
    }
    let settings = lesson.settings(&body.settings)?;
    let seed = body.seed.unwrap_or(1);
    let request = RunRequest { lesson: lesson.slug.clone(), program, own_program, settings, seconds, seed };
    let board = app.benches.of(visitor)?.board();
    let hard = lesson.needs_hard() || request.settings.get("kind") == Some(&Setting::Text("hard".to_owned()));
    if hard && board.status().can.hard == Some(false) {
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

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseBody {
    paused: bool,
}

/// `POST /api/pause`
pub(crate) async fn pause(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<PauseBody>,
) -> Result<Json<Done>, Problem> {
    app.benches.of(visitor)?.board().pause(body.paused).await?;
    Ok(DONE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpeedBody {
    speed: f64,
}

/// `POST /api/speed`
pub(crate) async fn speed(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<SpeedBody>,
) -> Result<Json<Done>, Problem> {
    let factor = Speed::checked(body.speed).ok_or(Problem::SpeedOutOfRange)?;
    app.benches.of(visitor)?.board().speed(factor).await?;
    Ok(DONE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetBody {
    lesson: String,
    name: String,
    value: Setting,
}

/// `POST /api/set`: answered when the board has acknowledged it.
pub(crate) async fn set(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<SetBody>,
) -> Result<Json<Done>, Problem> {
    let lesson = lesson(&app.course, &body.lesson)?;
    lesson.settings(&Settings::from([(body.name.clone(), body.value.clone())]))?;
    app.benches.of(visitor)?.board().set(body.name, body.value).await?;
    Ok(DONE)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsoleBody {
    text: String,
}

/// `POST /api/console`
pub(crate) async fn console(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<ConsoleBody>,
) -> Result<Json<Done>, Problem> {
    app.benches.of(visitor)?.board().type_text(body.text).await?;
    Ok(DONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_steer_the_prompt_are_refused_with_their_place() {
        assert_eq!(check_program("a = 1\n\tb = '日本'\r\n"), Ok(()));
        assert_eq!(check_program("a\nb\x04"), Err(Problem::ProgramUnsendable { line: 2, code: 4 }));
        assert_eq!(check_program("\u{1e}"), Err(Problem::ProgramUnsendable { line: 1, code: 30 }));
    }
}
