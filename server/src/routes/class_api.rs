//! What a host's page asks of a class.

use axum::Json;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{delete, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use super::board::{DONE, Done};
use super::class_host::hosted;
use super::json::Body;
use crate::app::AppState;
use crate::class::{ClassId, ClassProblem, Decided, SeatId};
use crate::classes::{Sample, Tell};
use crate::error::Problem;
use crate::language::Visiting;
use crate::threads::in_background;
use crate::visitor::Visitor;
use course::{Language, Lesson, Settings};
use workbench::headless::Boards as _;
use workbench::judge::{self, arrivals_criterion};
use workbench::record::RunRequest;

/// Outcomes that a host is shown of a learner; the newest.
const SHOWN_OUTCOMES: usize = 6;

/// The routes, merged into the application's router.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/api/classes/{id}", delete(remove))
        .route("/api/classes/{id}/tell", post(tell))
        .route("/api/classes/{id}/decide", post(decide))
        .route("/api/classes/{id}/sample", post(sample))
        .route("/api/classes/{id}/pin", post(new_pin))
        .route("/api/classes/{id}/end", post(end))
        .route("/api/classes/{id}/invite", post(invite))
        .route("/api/classes/{id}/revoke", post(revoke))
        .route("/api/classes/{id}/seats/{seat}", get(seat).delete(remove_seat))
        .route("/api/classes/{id}/seats/{seat}/note", post(note))
        .route("/api/classes/{id}/seats/{seat}/name", post(rename))
        .route("/api/classes/{id}/seats/{seat}/words", post(new_words))
        .route("/api/classes/{id}/seats/{seat}/hand", post(hand))
}

/// `POST /api/classes/{id}/tell`: something for all.
async fn tell(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<i64>,
    Body(body): Body<Tell>,
) -> Result<Json<Done>, Problem> {
    visitor.hosts(ClassId(id))?;
    app.classes.tell(&app.course, ClassId(id), body).await?;
    Ok(DONE)
}

/// `POST /api/classes/{id}/decide`: the question's program runs on a board of the server, and its answer is everybody's.
async fn decide(State(app): State<AppState>, visitor: Visitor, Path(id): Path<i64>) -> Result<Json<Done>, Problem> {
    let room = hosted(&app, visitor, id)?;
    let (question, seed) = room
        .look(|class| Some((class.told.question.clone()?, class.seed.unwrap_or(1))))
        .ok_or(ClassProblem::QuestionClosed)?;
    let lesson = app.course.lesson(&question.lesson).ok_or(ClassProblem::QuestionClosed)?.clone();
    let prediction = lesson.predictions.iter().find(|known| known.id == question.prediction).cloned();
    let prediction = prediction.ok_or(ClassProblem::QuestionClosed)?;
    let request = RunRequest {
        lesson: lesson.slug.clone(),
        program: lesson.program.clone(),
        own_program: false,
        driver: None,
        settings: lesson.settings(&prediction.set)?,
        seconds: lesson.run.seconds,
        seed: seed.into(),
        wiring: lesson.wiring.clone(),
    };
    let given_up = std::sync::Arc::default();
    let mut turn = app.benches.checks.wait(visitor.client(), &given_up).await?;
    let booted = app.benches.booted().clone();
    let run = in_background(move || {
        let record = booted.run(&request, &mut |_| turn.go_on().is_ok());
        turn.ended();
        record.map(|record| judge::outcome(&lesson, &record))
    });
    let row = match run.await {
        Ok(Ok(row)) => row,
        Ok(Err(error)) => {
            tracing::error!(%error, "a question's run failed");
            return Err(Problem::Internal);
        }
        Err(error) => {
            tracing::error!(%error, "a question's run ended badly");
            return Err(Problem::Internal);
        }
    };
    let decided = Decided::of(&row, &prediction).ok_or(ClassProblem::Input)?;
    app.classes.decide(ClassId(id), question.n, decided).await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleBody {
    lesson: String,
    settings: Settings,
}

/// `POST /api/classes/{id}/sample`: what everybody measured with these settings.
async fn sample(
    State(app): State<AppState>,
    visitor: Visitor,
    Path(id): Path<i64>,
    Body(body): Body<SampleBody>,
) -> Result<Json<Sample>, Problem> {
    visitor.hosts(ClassId(id))?;
    Ok(Json(app.classes.sample(&app.course, ClassId(id), &body.lesson, &body.settings).await?))
}

/// `POST /api/classes/{id}/pin`: another PIN.
async fn new_pin(State(app): State<AppState>, visitor: Visitor, Path(id): Path<i64>) -> Result<Json<Done>, Problem> {
    visitor.hosts(ClassId(id))?;
    app.classes.new_pin(ClassId(id)).await?;
    Ok(DONE)
}

/// `POST /api/classes/{id}/end`
async fn end(State(app): State<AppState>, visitor: Visitor, Path(id): Path<i64>) -> Result<Json<Done>, Problem> {
    main_host(visitor)?;
    app.classes.end(ClassId(id)).await?;
    Ok(DONE)
}

/// `DELETE /api/classes/{id}`
async fn remove(State(app): State<AppState>, visitor: Visitor, Path(id): Path<i64>) -> Result<Json<Done>, Problem> {
    main_host(visitor)?;
    app.classes.delete(ClassId(id)).await?;
    Ok(DONE)
}

/// `POST /api/classes/{id}/invite`: a link for a co-teacher, shown this once.
async fn invite(State(app): State<AppState>, visitor: Visitor, Path(id): Path<i64>) -> Result<Json<Value>, Problem> {
    main_host(visitor)?;
    Ok(Json(json!({ "path": format!("/host/{}", app.classes.invite(ClassId(id)).await?) })))
}

/// `POST /api/classes/{id}/revoke`: the links of co-teachers open nothing any more.
async fn revoke(State(app): State<AppState>, visitor: Visitor, Path(id): Path<i64>) -> Result<Json<Done>, Problem> {
    main_host(visitor)?;
    app.classes.revoke(ClassId(id)).await?;
    Ok(DONE)
}

/// Ending, deleting and inviting are not a co-teacher's.
pub(super) fn main_host(visitor: Visitor) -> Result<(), Problem> {
    if visitor.host { Ok(()) } else { Err(ClassProblem::HostOnly.into()) }
}

/// `GET /api/classes/{id}/seats/{seat}`: a learner opened.
async fn seat(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    Path((id, seat)): Path<(i64, i64)>,
) -> Result<Json<Value>, Problem> {
    let room = hosted(&app, visitor, id)?;
    let seat = room.look(|class| class.seats.get(&SeatId(seat)).cloned()).ok_or(ClassProblem::Unknown)?;
    let Some(lesson) = seat.lesson.as_ref().and_then(|slug| app.course.lesson(slug)) else {
        return Ok(Json(json!({ "seat": seat.id.0, "name": seat.name, "note": seat.note })));
    };
    let work = app.store.work(seat.visitor, lesson.slug.clone()).await?;
    let progress = seat.work.get(&lesson.slug).cloned().unwrap_or_default();
    let predictions = lesson.predictions.iter().filter_map(|known| {
        let said = work.prediction[&known.id].as_str()?;
        let option = known.options.iter().find(|option| option.key == said)?;
        let first = progress.first.get(&known.id);
        let first_said = first.and_then(|first| known.options.iter().find(|option| option.key == first.said));
        Some(json!({
            "question": known.question.source(language),
            "said": option.text.source(language),
            "first": first_said.map(|option| option.text.source(language)),
            "right": first.map(|first| first.right),
        }))
    });
    let outcomes = &work.outcomes[work.outcomes.len().saturating_sub(SHOWN_OUTCOMES)..];
    Ok(Json(json!({
        "seat": seat.id.0,
        "name": seat.name,
        "note": seat.note,
        "lesson": lesson.slug,
        "title": format!("{} {}", lesson.id, lesson.title.plain(language)),
        "program": work.program.as_ref().unwrap_or(&lesson.starter),
        "untouched": work.program.is_none(),
        "predictions": predictions.collect::<Vec<_>>(),
        "outcomes": outcomes,
        "key": crate::pages::bench::key_number_name(lesson),
        "check": work.last_check.map(|check| with_words(lesson, check, language)),
        "checks": progress.checks,
        "copy": format!("/lessons/{}?copy={id}.{}", lesson.slug, seat.id.0),
        "results": format!("/class/{id}/learners/{}", seat.id.0),
    })))
}

/// A check with the words of its criteria: one that a tab reports comes without them.
fn with_words(lesson: &Lesson, mut check: Value, language: Language) -> Value {
    let words = lesson.exercise.criteria.iter().map(|criterion| criterion.text.source(language).to_owned());
    let words = words.chain(lesson.explorer.as_ref().map(|_| arrivals_criterion().source(language).to_owned()));
    for (criterion, text) in check["criteria"].as_array_mut().into_iter().flatten().zip(words) {
        criterion["text"] = text.into();
    }
    check
}

/// `DELETE /api/classes/{id}/seats/{seat}`: with all their work.
async fn remove_seat(
    State(app): State<AppState>,
    visitor: Visitor,
    Path((id, seat)): Path<(i64, i64)>,
) -> Result<Json<Done>, Problem> {
    visitor.hosts(ClassId(id))?;
    app.classes.remove(ClassId(id), SeatId(seat)).await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TextBody {
    text: String,
}

/// `POST /api/classes/{id}/seats/{seat}/note`: words beside their exercise.
async fn note(
    State(app): State<AppState>,
    visitor: Visitor,
    Path((id, seat)): Path<(i64, i64)>,
    Body(body): Body<TextBody>,
) -> Result<Json<Done>, Problem> {
    visitor.hosts(ClassId(id))?;
    app.classes.note(ClassId(id), SeatId(seat), &body.text).await?;
    Ok(DONE)
}

/// `POST /api/classes/{id}/seats/{seat}/name`
async fn rename(
    State(app): State<AppState>,
    visitor: Visitor,
    Path((id, seat)): Path<(i64, i64)>,
    Body(body): Body<TextBody>,
) -> Result<Json<Done>, Problem> {
    visitor.hosts(ClassId(id))?;
    app.classes.rename(ClassId(id), SeatId(seat), &body.text).await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WordsBody {
    /// Whether devices that are in lose the seat: it is handed over.
    #[serde(default)]
    out: bool,
}

/// `POST /api/classes/{id}/seats/{seat}/words`: new words, shown this once.
async fn new_words(
    State(app): State<AppState>,
    visitor: Visitor,
    Path((id, seat)): Path<(i64, i64)>,
    Body(body): Body<WordsBody>,
) -> Result<Json<Value>, Problem> {
    visitor.hosts(ClassId(id))?;
    let words = app.classes.new_words(ClassId(id), SeatId(seat), body.out).await?;
    Ok(Json(json!({ "words": words })))
}

/// `POST /api/classes/{id}/seats/{seat}/hand`: the question is answered.
async fn hand(
    State(app): State<AppState>,
    visitor: Visitor,
    Path((id, seat)): Path<(i64, i64)>,
) -> Result<Json<Done>, Problem> {
    visitor.hosts(ClassId(id))?;
    app.classes.hand(ClassId(id), SeatId(seat), false).await?;
    Ok(DONE)
}
