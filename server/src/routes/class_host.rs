//! A host's pages of a class.

use std::collections::{BTreeMap, HashSet};
use std::net::{IpAddr, SocketAddr};

use axum::Router;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use qrcode::{Color, QrCode};
use serde_json::{Value, json};

use super::pages::{frame, html};
use crate::app::AppState;
use crate::class::{Class, ClassId, ClassProblem, class_title, shown_pin};
use crate::classes::{NewClass, foretells};
use crate::error::Problem;
use crate::lan;
use crate::language::Visiting;
use crate::pages::class_host::{
    HostPage, LessonChoice, ListPage, ListedClass, PathChoice, QrView, SamplerPage, ShowPage, WallPage,
};
use crate::pages::frame::Part;
use crate::visitor::Visitor;
use course::catalogue::{self, script_json};
use course::{Course, Language};

/// Modules of white around a QR code (ISO/IEC 18004).
const QUIET: usize = 4;

/// The routes, merged into the application's router.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/class", get(list).post(start))
        .route("/class/{id}", get(grid))
        .route("/class/{id}/show", get(show))
        .route("/class/{id}/wall", get(wall))
        .route("/class/{id}/sampler", get(sampler))
}

async fn list(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match (visitor.host, visitor.helps, visitor.member) {
        (true, _, _) => list_page(&app, visitor, language, &headers, None),
        (_, Some(class), _) => Ok(Redirect::to(&format!("/class/{}", class.0)).into_response()),
        (_, _, Some(_)) => Ok(Redirect::to("/class/me").into_response()),
        _ => Ok(Redirect::to("/join").into_response()),
    }
}

fn list_page(
    app: &AppState,
    visitor: Visitor,
    language: Language,
    headers: &HeaderMap,
    problem: Option<&Problem>,
) -> Result<Response, Problem> {
    let frame = frame(app, visitor, language, headers, Part::Class, "/class", &BTreeMap::new())?;
    let classes = app.classes.all().iter().map(|room| room.look(|class| listed(class, language))).collect();
    let path = |value: String, words: String| PathChoice { value, words };
    let course = &app.course;
    let lectures = course.plan.lectures.iter().enumerate();
    let lectures = lectures.map(|(at, lecture)| path(format!("lecture-{at}"), lecture.title.plain(language)));
    let chapters = course.plan.chapters.iter();
    let chapters = chapters.map(|chapter| path(format!("chapter-{}", chapter.id), chapter.title.plain(language)));
    let all = path("all".to_owned(), catalogue::text(language, "class.all_lessons").to_owned());
    let lessons = course.lessons.iter().map(|lesson| LessonChoice {
        slug: lesson.slug.clone(),
        id: lesson.id.clone(),
        title: lesson.title.plain(language),
    });
    html(&ListPage {
        frame,
        classes,
        paths: lectures.chain(chapters).chain([all]).collect(),
        lessons: lessons.collect(),
        problem: problem.map(|problem| problem.text(language)),
    })
}

fn listed(class: &Class, language: Language) -> ListedClass {
    let (learners, lessons) = (class.seats.len().to_string(), class.lessons.len().to_string());
    ListedClass {
        id: class.id.0,
        title: class.title.clone(),
        started: class.started,
        facts: catalogue::fill(language, "class.listed", &[("learners", &learners), ("lessons", &lessons)]),
        ended: class.ended.is_some(),
    }
}

/// Starts a class. Fields may come several times, so the form is taken as it is.
async fn start(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    if !visitor.host {
        return Err(ClassProblem::HostOnly.into());
    }
    let started = match new_class(&app.course, &fields, language) {
        Ok(new) => app.classes.start(new).await,
        Err(problem) => Err(problem.into()),
    };
    match started {
        Ok(id) => Ok(Redirect::to(&format!("/class/{}", id.0)).into_response()),
        Err(problem) => {
            let mut response = list_page(&app, visitor, language, &headers, Some(&problem))?;
            *response.status_mut() = problem.status();
            Ok(response)
        }
    }
}

fn new_class(course: &Course, fields: &[(String, String)], language: Language) -> Result<NewClass, ClassProblem> {
    let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.trim());
    let title = class_title(field("title").unwrap_or_default()).ok_or(ClassProblem::Title)?;
    let chosen = fields.iter().filter(|(key, _)| key == "lesson").map(|(_, slug)| slug.as_str());
    let mut lessons: Vec<String> =
        chosen.filter_map(|slug| course.lesson(slug)).map(|lesson| lesson.slug.clone()).collect();
    if lessons.is_empty() {
        lessons = path_lessons(course, field("path").unwrap_or("all"));
    }
    // Each once, where it comes first.
    let mut seen = HashSet::new();
    lessons.retain(|slug| seen.insert(slug.clone()));
    if lessons.is_empty() || lessons.len() > course.lessons.len() {
        return Err(ClassProblem::Lessons);
    }
    let seed = match field("seeds") {
        Some("each") => None,
        _ => Some(field("seed").unwrap_or("1").parse().map_err(|_| ClassProblem::Seed)?),
    };
    let pages = field("pages").and_then(Language::from_tag);
    Ok(NewClass { title, language, pages, lessons, seed, solutions: field("solutions").is_some() })
}

/// The slugs of the lessons of a path.
fn path_lessons(course: &Course, path: &str) -> Vec<String> {
    let ids: Option<&Vec<String>> = if let Some(at) = path.strip_prefix("lecture-") {
        at.parse::<usize>().ok().and_then(|at| course.plan.lectures.get(at)).map(|lecture| &lecture.lessons)
    } else if let Some(id) = path.strip_prefix("chapter-") {
        course.plan.chapters.iter().find(|chapter| chapter.id == id).map(|chapter| &chapter.lessons)
    } else {
        return course.lessons.iter().map(|lesson| lesson.slug.clone()).collect();
    };
    let of_id = |id: &String| course.lessons.iter().find(|lesson| lesson.id == *id).map(|lesson| lesson.slug.clone());
    ids.into_iter().flatten().filter_map(of_id).collect()
}

async fn grid(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let room = hosted(&app, visitor, id)?;
    let frame = frame(&app, visitor, language, &headers, Part::Class, &format!("/class/{id}"), &BTreeMap::new())?;
    let address = typed(addresses(&app, &headers).remove(0));
    let page = room.look(|class| HostPage {
        id,
        title: class.title.clone(),
        facts: facts(class, language),
        address,
        pin: shown_pin(&class.pin),
        main: visitor.host,
        data: script_json(&json!({ "id": id, "lessons": lessons(&app.course, class, language) })),
        frame,
    });
    html(&page)
}

/// `8 lessons · seed 7 for all`.
fn facts(class: &Class, language: Language) -> String {
    let lessons = catalogue::fill(language, "class.n_lessons", &[("n", &class.lessons.len().to_string())]);
    let seed = match class.seed {
        Some(seed) => catalogue::fill(language, "class.seed_all", &[("seed", &seed.to_string())]),
        None => catalogue::text(language, "class.seed_each").to_owned(),
    };
    format!("{lessons} · {seed}")
}

/// What a host's page knows of the class's lessons.
fn lessons(course: &Course, class: &Class, language: Language) -> Vec<Value> {
    let known = class.lessons.iter().filter_map(|slug| course.lesson(slug));
    known
        .map(|lesson| {
            let questions = lesson
                .predictions
                .iter()
                .map(|known| json!({ "id": known.id, "question": known.question.source(language) }));
            json!({
                "slug": lesson.slug,
                "id": lesson.id,
                "title": lesson.title.plain(language),
                "questions": questions.collect::<Vec<_>>(),
                "controls": crate::pages::bench::controls_data(lesson, language),
                "foretells": foretells(lesson),
            })
        })
        .collect()
}

async fn show(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let room = hosted(&app, visitor, id)?;
    let frame = frame(&app, visitor, language, &headers, Part::Class, &format!("/class/{id}/show"), &BTreeMap::new())?;
    let mut addresses = addresses(&app, &headers);
    let address = addresses.remove(0);
    let page = room.look(|class| ShowPage {
        id,
        title: class.title.clone(),
        qr: qr(&format!("{address}/join?pin={}", class.pin.digits())),
        address,
        pin: shown_pin(&class.pin),
        others: addresses,
        reached: app.config.lan || app.config.proxy.is_some(),
        frame,
    });
    html(&page)
}

async fn wall(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let room = hosted(&app, visitor, id)?;
    let frame = frame(&app, visitor, language, &headers, Part::Class, &format!("/class/{id}/wall"), &BTreeMap::new())?;
    let address = typed(addresses(&app, &headers).remove(0));
    let page = room.look(|class| WallPage {
        id,
        title: class.title.clone(),
        address,
        pin: shown_pin(&class.pin),
        data: script_json(&json!({ "id": id, "lessons": lessons(&app.course, class, language) })),
        frame,
    });
    html(&page)
}

async fn sampler(
    State(app): State<AppState>,
    visitor: Visitor,
    Visiting(language): Visiting,
    headers: HeaderMap,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let room = hosted(&app, visitor, id)?;
    let path = format!("/class/{id}/sampler");
    let frame = frame(&app, visitor, language, &headers, Part::Class, &path, &BTreeMap::new())?;
    let page = room.look(|class| SamplerPage {
        id,
        title: class.title.clone(),
        data: script_json(&json!({ "id": id, "lessons": lessons(&app.course, class, language) })),
        frame,
    });
    html(&page)
}

/// The class of this number, for its hosts.
pub(super) fn hosted(
    app: &AppState,
    visitor: Visitor,
    id: i64,
) -> Result<std::sync::Arc<crate::classes::Room>, Problem> {
    visitor.hosts(ClassId(id))?;
    app.classes.room(ClassId(id))
}

/// The addresses under which learners reach this machine, the likeliest first; at least the one that the host uses. Behind a
/// proxy it is the proxy's, whatever name the request has on its way here.
fn addresses(app: &AppState, headers: &HeaderMap) -> Vec<String> {
    if let Some(proxy) = &app.config.proxy {
        return vec![proxy.public.origin().to_owned()];
    }
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let is_here = |host: &str| {
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim_matches(['[', ']']);
        name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    let mut hosts = Vec::new();
    if app.config.lan && is_here(asked) {
        let port = asked.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(80);
        let listen = app.config.listen.ip();
        let addresses = if listen.is_unspecified() { lan::addresses() } else { vec![listen] };
        hosts.extend(addresses.into_iter().map(|address| SocketAddr::new(address, port).to_string()));
    }
    if hosts.is_empty() {
        hosts.push(asked.to_owned());
    }
    hosts.into_iter().map(|host| format!("http://{host}")).collect()
}

/// An address as it is typed: browsers that are given none try http on their own, and nobody has to write it from the wall.
fn typed(address: String) -> String {
    address.strip_prefix("http://").map_or_else(|| address.clone(), str::to_owned)
}

fn qr(text: &str) -> Option<QrView> {
    let code = QrCode::new(text).ok()?;
    let (width, modules) = (code.width(), code.to_colors());
    let dark = modules.iter().enumerate().filter(|(_, color)| **color == Color::Dark);
    let path = dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % width + QUIET, at / width + QUIET)).collect();
    Some(QrView { side: width + 2 * QUIET, path })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_lessons_by_their_slugs() {
        let course = crate::lessons::embedded().unwrap();
        assert_eq!(path_lessons(&course, "all").len(), course.lessons.len());
        let first = path_lessons(&course, "lecture-0");
        assert_eq!(first.len(), course.plan.lectures[0].lessons.len());
        let chapter = &course.plan.chapters[0];
        assert_eq!(path_lessons(&course, &format!("chapter-{}", chapter.id)).len(), chapter.lessons.len());
        assert!(path_lessons(&course, "lecture-99").is_empty());
    }

    #[test]
    fn a_form_is_a_class_or_says_why_not() {
        let course = crate::lessons::embedded().unwrap();
        let read = |fields: &[(&str, &str)]| {
            let fields: Vec<_> = fields.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            new_class(&course, &fields, Language::En)
        };
        let class =
            read(&[("title", " 10b "), ("lesson", "lost-update"), ("lesson", "torn-read"), ("seeds", "each")]).unwrap();
        assert_eq!((class.title.as_str(), class.lessons.len(), class.seed, class.solutions), ("10b", 2, None, false));
        assert_eq!(class.pages, None);
        let class = read(&[("title", "x"), ("path", "lecture-0"), ("seed", "7"), ("solutions", "on"), ("pages", "ja")])
            .unwrap();
        assert_eq!((class.seed, class.solutions, class.pages), (Some(7), true, Some(Language::Ja)));
        let order = ["torn-read", "lost-update", "torn-read", "no-such-lesson"].map(|slug| ("lesson", slug));
        let class = read(&[&[("title", "x")], &order[..]].concat()).unwrap();
        assert_eq!(class.lessons, ["torn-read", "lost-update"], "in the order in which they were chosen");
        assert!(read(&[("title", " ")]).is_err());
        assert!(read(&[("title", "x"), ("seed", "many")]).is_err());
    }
}
