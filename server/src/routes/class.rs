//! A learner in a class: joining, coming back, leaving, a hand, an answer.

use std::collections::BTreeMap;

use axum::Json;
use axum::Router;
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::board::{DONE, Done};
use super::json::Body;
use super::pages::{frame, html, set_cookie};
use crate::app::AppState;
use crate::class::{Class, ClassProblem, Member, Nickname, Pin, ThreeWords, shown_pin, suggested};
use crate::classes::Joined;
use crate::error::Problem;
use crate::language::{LANGUAGE_COOKIE, Visiting, chosen, cookie};
use crate::pages::class::{JoinPage, MePage, MyLesson, RejoinPage, WordsPage};
use crate::pages::frame::Part;
use crate::visitor::{SEAT_COOKIE, Visitor};
use course::pages::KeptIn;
use course::{Language, catalogue};

/// How long a browser keeps a seat, in seconds: as long as a class is kept unless told otherwise.
const SEAT_SECONDS: u32 = 90 * 24 * 3600;

/// The routes, merged into the application's router.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/join", get(join_page).post(join))
        .route("/rejoin", get(rejoin_page).post(rejoin))
        .route("/class/me", get(me))
        .route("/class/leave", post(leave))
        .route("/class/privacy", get(privacy))
        .route("/class/help", get(help))
        .route("/api/class/hand", post(hand))
        .route("/api/class/answer", post(answer))
}

/// What may stand in the address of the page: the PIN of the QR code, and what was typed before another name was asked for.
#[derive(Debug, Default, Deserialize)]
struct JoinAsked {
    #[serde(default)]
    pin: String,
}

async fn join_page(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Query(asked): Query<JoinAsked>,
) -> Result<Response, Problem> {
    let name = suggestion(language)?;
    let frame = frame(&app, visitor, language, &headers, Part::Class, "/join", &BTreeMap::new())?;
    html(&JoinPage { frame, pin: neat(&asked.pin), name, problem: None })
}

/// A nickname by chance.
fn suggestion(language: Language) -> Result<String, Problem> {
    let number = getrandom::u32().map_err(|error| {
        tracing::error!(%error, "the system gives no random bytes");
        Problem::Internal
    })?;
    Ok(suggested(language, number % 384))
}

/// A PIN in two halves, where it is one.
fn neat(typed: &str) -> String {
    Pin::read(typed).map_or_else(|| typed.chars().take(24).collect(), |pin| shown_pin(&pin))
}

#[derive(Debug, Deserialize)]
struct JoinForm {
    pin: String,
    name: String,
}

async fn join(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Form(form): Form<JoinForm>,
) -> Result<Response, Problem> {
    match app.classes.join(visitor.place, &form.pin, &form.name, chosen(&headers), language).await {
        Ok(joined) => Ok(seated(&joined, &headers, "/class/me")),
        Err(problem) => {
            let frame = frame(&app, visitor, language, &headers, Part::Class, "/join", &BTreeMap::new())?;
            // What was typed stays, but for a name that is taken: there the free one is offered.
            let name = match &problem {
                Problem::Class(ClassProblem::NameTaken(other)) => other.clone(),
                _ => Nickname::read(&form.name).map_or(form.name, |name| name.shown),
            };
            let text = Some(problem.text(language));
            let mut response = html(&JoinPage { frame, pin: neat(&form.pin), name, problem: text })?;
            *response.status_mut() = problem.status();
            Ok(response)
        }
    }
}

async fn rejoin_page(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Query(asked): Query<JoinAsked>,
) -> Result<Response, Problem> {
    let frame = frame(&app, visitor, language, &headers, Part::Class, "/rejoin", &BTreeMap::new())?;
    html(&RejoinPage { frame, pin: neat(&asked.pin), words: Default::default(), problem: None })
}

#[derive(Debug, Deserialize)]
struct RejoinForm {
    pin: String,
    word1: String,
    word2: String,
    word3: String,
}

async fn rejoin(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Form(form): Form<RejoinForm>,
) -> Result<Response, Problem> {
    let words = [form.word1, form.word2, form.word3];
    let [one, two, three] = &words;
    match app.classes.come_back(visitor.place, &form.pin, [one, two, three]).await {
        Ok(joined) => {
            let to = app.classes.room(joined.class)?.look(start);
            Ok(seated(&joined, &headers, &to))
        }
        Err(problem) => {
            let frame = frame(&app, visitor, language, &headers, Part::Class, "/rejoin", &BTreeMap::new())?;
            let text = Some(problem.text(language));
            let words = words.map(|word| word.chars().take(64).collect());
            let mut response = html(&RejoinPage { frame, pin: neat(&form.pin), words, problem: text })?;
            *response.status_mut() = problem.status();
            Ok(response)
        }
    }
}

/// Where work begins: where the host has sent everybody, else at the first lesson.
fn start(class: &Class) -> String {
    let goto = class.told.goto.as_ref().map(|goto| &goto.text);
    goto.or(class.lessons.first()).map_or_else(|| "/".to_owned(), |slug| format!("/lessons/{slug}"))
}

fn seated(joined: &Joined, headers: &HeaderMap, to: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    let cookie = format!("{SEAT_COOKIE}={}; HttpOnly; SameSite=Lax; Path=/; Max-Age={SEAT_SECONDS}", joined.cookie);
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    if let Some(language) = joined.pages.filter(|_| chosen(headers).is_none()) {
        set_cookie(&mut response, LANGUAGE_COOKIE, language.tag());
    }
    response
}

async fn me(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let Some(member) = visitor.member else { return Ok(Redirect::to("/join").into_response()) };
    let frame = frame(&app, visitor, language, &headers, Part::Class, "/class/me", &BTreeMap::new())?;
    let words = cookie(&headers, SEAT_COOKIE).and_then(|cookie| cookie.split_once('.'));
    let words = words.and_then(|(_, words)| ThreeWords::of_token(words)).map(|words| words.shown());
    let page = app.classes.room(member.class)?.look(|class| {
        let seat = class.seats.get(&member.seat)?;
        let lessons = class.lessons.iter().filter_map(|slug| {
            let lesson = app.course.lesson(slug)?;
            let work = seat.work.get(slug);
            let (shape, words) = match work {
                Some(work) if work.passed.is_some() => ("holds", "course.passed"),
                Some(_) => ("running", "course.started"),
                None => ("ring", "course.not_started"),
            };
            let (path, title) = (format!("/lessons/{slug}"), lesson.title.plain(language));
            Some(MyLesson { path, id: lesson.id.clone(), title, shape, words: catalogue::text(language, words) })
        });
        let lessons: Vec<MyLesson> = lessons.collect();
        let facts = [("title", class.title.as_str()), ("n", &lessons.len().to_string())];
        Some(MePage {
            facts: catalogue::fill(language, "class.facts", &facts),
            welcome: catalogue::fill(language, "class.welcome", &[("name", &seat.name)]),
            title: class.title.clone(),
            start: start(class),
            words,
            lessons,
            frame,
        })
    });
    html(&page.ok_or(ClassProblem::NotIn)?)
}

/// Where somebody goes who leaves.
#[derive(Debug, Deserialize)]
struct LeaveForm {
    #[serde(default)]
    to: String,
}

/// Leaves: this browser has no seat any more. The work stays at the seat, and the words bring it back.
async fn leave(Form(form): Form<LeaveForm>) -> Response {
    let mut response = Redirect::to(if form.to == "rejoin" { "/rejoin" } else { "/join" }).into_response();
    let cookie = format!("{SEAT_COOKIE}=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0");
    if let Ok(value) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

async fn privacy(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let kept_in = if app.store.others().is_some() { KeptIn::Database } else { KeptIn::File };
    let words = course::pages::privacy(language, kept_in);
    words_page(&app, visitor, language, &headers, "/class/privacy", "class.privacy_title", words)
}

async fn help(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    words_page(
        &app,
        visitor,
        language,
        &headers,
        "/class/help",
        "class.help_title",
        course::pages::trouble_in_class(language),
    )
}

fn words_page(
    app: &AppState,
    visitor: Visitor,
    language: Language,
    headers: &HeaderMap,
    path: &str,
    title: &'static str,
    html_text: String,
) -> Result<Response, Problem> {
    let frame = frame(app, visitor, language, headers, Part::Class, path, &BTreeMap::new())?;
    html(&WordsPage { title: frame.t(title), frame, html: html_text })
}

fn seat(visitor: Visitor) -> Result<Member, Problem> {
    let member = visitor.member.ok_or(ClassProblem::NotIn)?;
    if member.ended { Err(ClassProblem::Ended.into()) } else { Ok(member) }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HandBody {
    up: bool,
}

/// `POST /api/class/hand`
async fn hand(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<HandBody>,
) -> Result<Json<Done>, Problem> {
    let member = seat(visitor)?;
    app.classes.hand(member.class, member.seat, body.up).await?;
    Ok(DONE)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerBody {
    n: u64,
    key: String,
}

/// `POST /api/class/answer`
async fn answer(
    State(app): State<AppState>,
    visitor: Visitor,
    Body(body): Body<AnswerBody>,
) -> Result<Json<Done>, Problem> {
    app.classes.answer(&app.course, seat(visitor)?, body.n, body.key).await?;
    Ok(DONE)
}
