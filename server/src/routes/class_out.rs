//! What comes out of a class: tables, everything, pages to print.

use std::collections::BTreeMap;

use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::class_api::main_host;
use super::class_host::hosted;
use super::pages::{frame, html};
use crate::app::AppState;
use crate::class::{Class, ClassId, ClassProblem, Everything, Progress, Seat, SeatId, table};
use crate::error::Problem;
use crate::language::Visiting;
use crate::pages::class_host::{AnswerView, ResultView, ResultsPage};
use crate::pages::frame::Part;
use crate::store::Work;
use crate::visitor::Visitor;
use course::{Language, Lesson, catalogue};

/// Where a class is brought in.
pub(crate) const IMPORT_PATH: &str = "/api/classes";
/// The largest class that is brought in, in bytes: a whole course of 40 learners has some megabytes.
pub(crate) const IMPORT_BYTES: usize = 64 << 20;
/// Rows of the outcome table that are printed; the newest.
const PRINTED_OUTCOMES: usize = 8;

/// The routes, merged into the application's router.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route(IMPORT_PATH, post(bring_in).layer(DefaultBodyLimit::max(IMPORT_BYTES)))
        .route("/class/{id}/results.csv", get(csv))
        .route("/class/{id}/results.json", get(everything))
        .route("/class/{id}/learners/{seat}", get(learner))
        .route("/class/me/results", get(mine))
}

/// `GET /class/{id}/results.csv`: a row for each learner and lesson.
async fn csv(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let room = hosted(&app, visitor, id)?;
    let table = room.look(|class| table(class, &app.course, language));
    Ok(download(table, "text/csv; charset=utf-8", &format!("class-{id}.csv")))
}

/// `GET /class/{id}/results.json`: everything, for another computer.
async fn everything(State(app): State<AppState>, visitor: Visitor, Path(id): Path<i64>) -> Result<Response, Problem> {
    hosted(&app, visitor, id)?;
    let everything = app.classes.everything(ClassId(id)).await?;
    let text = serde_json::to_vec_pretty(&everything).map_err(|error| {
        tracing::error!(%error, "a class cannot be written");
        Problem::Internal
    })?;
    Ok(download(text, "application/json", &format!("class-{id}.json")))
}

/// `POST /api/classes`: a class from another computer.
async fn bring_in(State(app): State<AppState>, visitor: Visitor, text: String) -> Result<Json<Value>, Problem> {
    main_host(visitor)?;
    let everything = Everything::read(&text).map_err(|error| {
        tracing::info!(%error, "a file is not brought in");
        ClassProblem::NotAClass
    })?;
    let id = app.classes.bring_in(everything).await?;
    // Reported checks among it wait for this server now.
    app.reported.notify_one();
    Ok(Json(json!({ "path": format!("/class/{}", id.0) })))
}

fn download(bytes: Vec<u8>, kind: &'static str, name: &str) -> Response {
    let mut response = bytes.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

async fn learner(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Path((id, seat)): Path<(i64, i64)>,
) -> Result<Response, Problem> {
    let room = hosted(&app, visitor, id)?;
    let class = room.look(Class::clone);
    let path = format!("/class/{id}/learners/{seat}");
    results(&app, visitor, language, &headers, &class, SeatId(seat), &path).await
}

async fn mine(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let member = visitor.member.ok_or(ClassProblem::NotIn)?;
    let class = app.classes.room(member.class)?.look(Class::clone);
    results(&app, visitor, language, &headers, &class, member.seat, "/class/me/results").await
}

async fn results(
    app: &AppState,
    visitor: Visitor,
    language: Language,
    headers: &HeaderMap,
    class: &Class,
    seat: SeatId,
    path: &str,
) -> Result<Response, Problem> {
    let seat = class.seats.get(&seat).ok_or(ClassProblem::Unknown)?;
    let frame = frame(app, visitor, language, headers, Part::Class, path, &BTreeMap::new())?;
    let mut lessons = Vec::new();
    for lesson in app.course.lessons.iter().filter(|lesson| seat.work.contains_key(&lesson.slug)) {
        let work = app.store.work(seat.visitor, lesson.slug.clone()).await?;
        lessons.push(result(lesson, seat, &work, language));
    }
    html(&ResultsPage { frame, title: class.title.clone(), name: seat.name.clone(), lessons })
}

fn result(lesson: &Lesson, seat: &Seat, work: &Work, language: Language) -> ResultView {
    let nothing = Progress::default();
    let progress = seat.work.get(&lesson.slug).unwrap_or(&nothing);
    let t = |key: &'static str| catalogue::text(language, key);
    let (shape, state) = match (progress.passed, progress.verified, progress.checks) {
        (Some(_), Some(_), _) => ("holds", t("class.key_verified")),
        (Some(_), None, _) => ("reported", t("class.key_reported")),
        (None, _, 0) => ("running", t("course.started")),
        (None, _, _) => ("needs", t("course.failed")),
    };
    let answers = lesson.predictions.iter().filter_map(|known| {
        let first = progress.first.get(&known.id)?;
        let said = known.options.iter().find(|option| option.key == first.said)?;
        let (shape, key) = if first.right { ("holds", "class.was_right") } else { ("running", "class.was_other") };
        let (question, said) = (known.question.html(language), said.text.html(language));
        Some(AnswerView { question, said, shape, words: t(key) })
    });
    let newest = &work.outcomes[work.outcomes.len().saturating_sub(PRINTED_OUTCOMES)..];
    let key = crate::pages::bench::key_number_name(lesson);
    let learned = progress.passed.and_then(|_| lesson.section("learned", language)).map(|section| section.html.clone());
    ResultView {
        id: lesson.id.clone(),
        title: lesson.title.plain(language),
        shape,
        state: if progress.passed.is_some() && progress.after_solutions {
            format!("{state} ({})", t("class.key_after"))
        } else {
            state.to_owned()
        },
        answers: answers.collect(),
        outcomes: newest.iter().map(|row| outcome_words(row, &key)).collect(),
        program: work.program.clone(),
        learned,
    }
}

/// `kind = soft, cure = none, seed = 7: lost = 431`.
fn outcome_words(row: &Value, key: &str) -> String {
    let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let settings = row["settings"].as_object().into_iter().flatten();
    let mut words: Vec<String> = settings.map(|(name, value)| format!("{name} = {}", shown(value))).collect();
    words.push(format!("seed = {}", shown(&row["seed"])));
    format!("{}: {key} = {}", words.join(", "), shown(&row["values"][key]))
}
