//! The pages: course index, bench and boards; and the visitor's choice of language and colours.

use std::collections::BTreeMap;

use askama::Template;
use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::boards::{boards_of, no_board_yet};
use crate::app::AppState;
use crate::class::{ClassId, ClassProblem, SeatId};
use crate::error::Problem;
use crate::language::{LANGUAGE_COOKIE, Visiting, cookie};
use crate::pages::bench::{BenchPage, Viewer};
use crate::pages::boards::BoardsPage;
use crate::pages::course_index::{CoursePage, current_lesson};
use crate::pages::frame::{BoardChip, ClassIn, ClassStrip, Frame, Part, THEME_COOKIE, Theme};
use crate::pages::visitor_work::VisitorWork;
use crate::pages::workshop::WorkshopPage;
use crate::store::Work;
use crate::visitor::{HELPER_COOKIE, HOST_COOKIE, Visitor};
use course::Language;
use course::Lesson;
use workbench::description::{board_name, chip_name};
use workbench::state::BoardKind;

/// The cookie that names the lesson opened last.
const LESSON_COOKIE: &str = "lesson";
/// The seed of the first run; `isrlab run` begins with the same.
const DEFAULT_SEED: u32 = 1;
/// How long the visitor's choices are kept: a year.
const CHOICE_SECONDS: u32 = 365 * 24 * 60 * 60;

/// The routes of the pages, merged into the application's router.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(course))
        .route("/lessons/{slug}", get(bench))
        .route("/workshop", get(workshop))
        .route("/boards", get(boards))
        .route("/language", post(choose_language))
        .route("/theme", post(choose_theme))
        .route("/host/{token}", get(become_host))
}

/// How much time somebody has, in minutes. What is no number is no time.
#[derive(Debug, Deserialize)]
struct Time {
    time: Option<String>,
}

async fn course(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Query(Time { time }): Query<Time>,
) -> Result<Response, Problem> {
    let work = all_work(&app, visitor).await?;
    let frame = frame(&app, visitor, language, &headers, Part::Course, "/", &work)?;
    let last = cookie(&headers, LESSON_COOKIE);
    let time = time.and_then(|minutes| minutes.parse().ok());
    let page = CoursePage::new(frame, &app.course, &work, last, time).ok_or(Problem::PageUnknown)?;
    html(&page)
}

async fn bench(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Path(slug): Path<String>,
    Query(asked): Query<AskedBench>,
) -> Result<Response, Problem> {
    let lesson = app.course.lesson(&slug).ok_or(Problem::PageUnknown)?;
    let copied = copied(&app, visitor, &slug, asked.copy.as_deref()).await?;
    let work = all_work(&app, visitor).await?;
    let path = format!("/lessons/{slug}");
    let mut frame = frame(&app, visitor, language, &headers, Part::Bench, &path, &work)?;
    frame.bench_path = path;
    frame.projector = shows_large(visitor, asked.projector.as_deref());
    frame.explorer_path = explorer_path(&app, Some(lesson));
    // Of this lesson the rows of the outcome table as well.
    let (mut work, seed) = match copied {
        Some((work, seed)) => (work, seed),
        None => (visitor_work(app.store.work(visitor.id, slug.clone()).await?), seed_of(&app, visitor)),
    };
    work.mark_earlier(app.benches.booted().version());
    // Nobody is a host on a site without a server.
    let may_prepare = visitor.host && frame.site.is_none();
    let prepares = may_prepare.then_some(asked.prepare.is_some() || asked.copy.is_some());
    let solution = prepares == Some(true) || app.classes.shows_solution(visitor.member, visitor.host, &slug);
    let page = BenchPage::new(frame, &app.course, lesson, &work, Viewer { seed, prepares, solution });
    let mut response = html(&page)?;
    set_cookie(&mut response, LESSON_COOKIE, &slug);
    Ok(response)
}

/// What a bench's address says besides the lesson.
#[derive(Debug, Default, Deserialize)]
struct AskedBench {
    /// A learner whose bench is to be copied: class and seat, with a point between.
    copy: Option<String>,
    /// A host sees everything, to prepare a class; of no effect for others.
    prepare: Option<String>,
    /// The bench is for a projector.
    projector: Option<String>,
}

/// Whether a bench is shown for a projector. A learner's page says whose it is, and how to leave, whatever its address is.
fn shows_large(visitor: Visitor, asked: Option<&str>) -> bool {
    asked.is_some() && visitor.member.is_none()
}

/// What the workshop's address says.
#[derive(Debug, Default, Deserialize)]
struct AskedWorkshop {
    /// The bench is for a projector.
    projector: Option<String>,
}

/// A copy of a learner's bench for the host: their program, and the seed of their last run.
async fn copied(
    app: &AppState,
    visitor: Visitor,
    slug: &str,
    asked: Option<&str>,
) -> Result<Option<(VisitorWork, u32)>, Problem> {
    let Some((class, seat)) = asked.and_then(|asked| asked.split_once('.')) else { return Ok(None) };
    let number = |text: &str| text.parse::<i64>().map_err(|_| Problem::PageUnknown);
    let (class, seat) = (ClassId(number(class)?), SeatId(number(seat)?));
    visitor.hosts(class)?;
    let found = app.classes.room(class)?.look(|class| {
        let seat = class.seats.get(&seat)?;
        Some((seat.visitor, class.seed_of(seat)))
    });
    let (owner, seed) = found.ok_or(ClassProblem::Unknown)?;
    let work = app.store.work(owner, slug.to_owned()).await?;
    let last = work.outcomes.last().and_then(|row| u32::try_from(row["seed"].as_u64()?).ok());
    Ok(Some((VisitorWork { program: work.program, ..VisitorWork::default() }, last.unwrap_or(seed))))
}

/// The seed of a visitor's next run: the class says, if they are in one.
fn seed_of(app: &AppState, visitor: Visitor) -> u32 {
    let of_class = visitor.member.and_then(|member| {
        app.classes.room(member.class).ok()?.look(|class| Some(class.seed_of(class.seats.get(&member.seat)?)))
    });
    of_class.unwrap_or(DEFAULT_SEED)
}

async fn workshop(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Query(asked): Query<AskedWorkshop>,
) -> Result<Response, Problem> {
    let work = all_work(&app, visitor).await?;
    let mut frame = frame(&app, visitor, language, &headers, Part::Workshop, "/workshop", &work)?;
    frame.projector = shows_large(visitor, asked.projector.as_deref());
    let hosts = visitor.host && frame.site.is_none();
    html(&WorkshopPage::new(frame, DEFAULT_SEED, hosts))
}

async fn boards(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let work = all_work(&app, visitor).await?;
    let frame = frame(&app, visitor, language, &headers, Part::Boards, "/boards", &work)?;
    app.attached.look().await;
    html(&BoardsPage::new(frame, &app.course, &boards_of(&app, visitor, visitor.host), visitor.host))
}

/// A choice of language, and the page to come back to.
#[derive(Debug, Deserialize)]
struct LanguageChoice {
    lang: String,
    next: String,
}

async fn choose_language(Form(choice): Form<LanguageChoice>) -> Result<Response, Problem> {
    let language = Language::from_tag(&choice.lang).ok_or(Problem::PageUnknown)?;
    Ok(back_with(&choice.next, LANGUAGE_COOKIE, language.tag()))
}

/// A choice of colours, and the page to come back to.
#[derive(Debug, Deserialize)]
struct ThemeChoice {
    theme: String,
    next: String,
}

async fn choose_theme(Form(choice): Form<ThemeChoice>) -> Result<Response, Problem> {
    let theme = Theme::from_name(&choice.theme).ok_or(Problem::PageUnknown)?;
    Ok(back_with(&choice.next, THEME_COOKIE, theme.name()))
}

/// The link that the workbench prints for a class host at another computer, and the one that a host gives a co-teacher.
async fn become_host(State(app): State<AppState>, Path(token): Path<String>) -> Result<Response, Problem> {
    let (name, to) = if app.visitors.is_host_token(&token) {
        (HOST_COOKIE, "/class".to_owned())
    } else {
        let class = app.classes.helps(&token).ok_or(Problem::PageUnknown)?;
        (HELPER_COOKIE, format!("/class/{}", class.0))
    };
    let mut response = Redirect::to(&to).into_response();
    // It ends with the browser's session.
    if let Ok(cookie) = HeaderValue::from_str(&format!("{name}={token}; Path=/; HttpOnly; SameSite=Strict")) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

fn back_with(next: &str, name: &str, value: &str) -> Response {
    let mut response = Redirect::to(if is_local(next) { next } else { "/" }).into_response();
    set_cookie(&mut response, name, value);
    response
}

/// Whether an address stays on this site: browsers read `//host` and `/\host` as another one.
pub(super) fn is_local(next: &str) -> bool {
    next.starts_with('/') && !next[1..].starts_with(['/', '\\']) && !next.chars().any(char::is_control)
}

pub(super) fn set_cookie(response: &mut Response, name: &str, value: &str) {
    let cookie = format!("{name}={value}; Path=/; Max-Age={CHOICE_SECONDS}; SameSite=Lax");
    // Names and values are ours and plain ASCII; a value that is not is simply not kept.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

pub(super) fn html(page: &impl Template) -> Result<Response, Problem> {
    match page.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page cannot be written");
            Err(Problem::Internal)
        }
    }
}

pub(super) fn frame(
    app: &AppState,
    visitor: Visitor,
    language: Language,
    headers: &HeaderMap,
    part: Part,
    path: &str,
    work: &BTreeMap<String, VisitorWork>,
) -> Result<Frame, Problem> {
    // A page is there for everybody, with or without a board: most have theirs in the tab.
    let status = app.benches.existing(visitor.id).map_or_else(no_board_yet, |bench| bench.board().status());
    let current = current_lesson(&app.course, work, cookie(headers, LESSON_COOKIE));
    Ok(Frame {
        language,
        theme: Theme::of_request(headers),
        part,
        path: path.to_owned(),
        explorer_path: explorer_path(app, current),
        bench_path: current.map_or_else(|| "/".to_owned(), |lesson| format!("/lessons/{}", lesson.slug)),
        board: Some(BoardChip {
            name: board_name(&status, language),
            chip: chip_name(&status.chip),
            state: status.state.name().to_owned(),
            attached: status.kind != BoardKind::Virtual,
        }),
        class: class_strip(app, visitor),
        site: app.config.site,
        projector: false,
    })
}

/// What the page says of the class.
fn class_strip(app: &AppState, visitor: Visitor) -> ClassStrip {
    let within = visitor.member.and_then(|member| {
        let room = app.classes.room(member.class).ok()?;
        room.look(|class| {
            let name = class.seats.get(&member.seat)?.name.clone();
            Some(ClassIn { title: class.title.clone(), name, ended: class.ended.is_some() })
        })
    });
    ClassStrip { open: !visitor.host && app.classes.is_open(), within }
}

/// The explorer of `lesson`, else of the first lesson whose explorer also foretells, which shows most.
fn explorer_path(app: &AppState, lesson: Option<&Lesson>) -> Option<String> {
    let foretells = |lesson: &&Lesson| lesson.explorer.as_ref().is_some_and(|explorer| explorer.share.is_some());
    let own = lesson.filter(|lesson| lesson.explorer.is_some());
    own.or_else(|| app.course.lessons.iter().find(foretells)).map(|lesson| format!("/lessons/{}#explorer", lesson.slug))
}

pub(super) async fn all_work(app: &AppState, visitor: Visitor) -> Result<BTreeMap<String, VisitorWork>, Problem> {
    let kept = app.store.all_work(visitor.id).await?;
    Ok(kept.into_iter().map(|(slug, work)| (slug, visitor_work(work))).collect())
}

/// What the store keeps, as the pages show it. What a page saved in another form is left out.
pub(super) fn visitor_work(work: Work) -> VisitorWork {
    let steps: BTreeMap<String, bool> = serde_json::from_value(work.steps).unwrap_or_default();
    VisitorWork {
        program: work.program,
        prediction: serde_json::from_value(work.prediction).unwrap_or_default(),
        passed: work.passed,
        proof: work.proof,
        failures: work.failures,
        steps,
        outcomes: work.outcomes,
        last_check: work.last_check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_on_this_site_are_come_back_to() {
        for (next, local) in [
            ("/", true),
            ("/lessons/lost-update", true),
            ("//elsewhere", false),
            ("/\\elsewhere", false),
            ("https://elsewhere", false),
            ("", false),
            ("/a\r\nset-cookie: b", false),
        ] {
            assert_eq!(is_local(next), local, "{next:?}");
        }
    }

    #[test]
    fn what_the_store_keeps_is_shown() {
        let work = Work {
            steps: serde_json::json!({ "predict": true }),
            prediction: serde_json::json!([1, 2]),
            failures: 1,
            ..Work::default()
        };
        let shown = visitor_work(work);
        assert!(shown.is_done("predict") && !shown.passed);
        assert_eq!((shown.failures, shown.prediction.len()), (1, 0));
    }
}
