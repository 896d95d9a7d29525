//! The pages around the lessons: the two documents, glossary, reference, quizzes, and what a teacher needs.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::response::Response;
use axum::routing::get;

use super::pages::{all_work, frame, html};
use crate::app::AppState;
use crate::board::registry::ShareRefusal;
use crate::error::Problem;
use crate::language;
use crate::pages::documents::DocumentsPage;
use crate::pages::frame::{Frame, Part};
use crate::pages::quiz::QuizPage;
use crate::pages::teachers::{KeyPage, TeachersPage, WorksheetsPage};
use crate::pages::visitor_work::VisitorWork;
use crate::pages::words::{GlossaryPage, LabPage};
use crate::visitor::Visitor;
use course::Language;
use course::plan::Chapter;

/// The routes of these pages, merged into the application's router.
pub(crate) fn routes() -> Router<AppState> {
    Router::new()
        .route("/documents", get(documents))
        .route("/glossary", get(glossary))
        .route("/lab", get(lab))
        .route("/chapters/{id}/quiz", get(quiz))
        .route("/chapters/{id}/worksheets", get(chapter_sheets))
        .route("/lessons/{slug}/worksheet", get(lesson_sheet))
        .route("/teachers", get(teachers))
        .route("/teachers/key", get(key))
}

/// Who looks at a page of the course, and how.
struct Reader {
    app: AppState,
    visitor: Visitor,
    language: Language,
    headers: HeaderMap,
}

impl Reader {
    async fn page(&self, path: &str) -> Result<(Frame, BTreeMap<String, VisitorWork>), Problem> {
        let work = all_work(&self.app, self.visitor).await?;
        let frame = frame(&self.app, self.visitor, self.language, &self.headers, Part::Course, path, &work)?;
        Ok((frame, work))
    }
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Problem> {
        let visitor = Visitor::from_request_parts(parts, app).await?;
        let language = language::of_request(&parts.headers);
        Ok(Self { app: app.clone(), visitor, language, headers: parts.headers.clone() })
    }
}

async fn documents(reader: Reader) -> Result<Response, Problem> {
    let (frame, work) = reader.page("/documents").await?;
    html(&DocumentsPage::new(frame, &reader.app.course, &work))
}

async fn glossary(reader: Reader) -> Result<Response, Problem> {
    let (frame, _) = reader.page("/glossary").await?;
    html(&GlossaryPage::new(frame, &reader.app.course))
}

async fn lab(reader: Reader) -> Result<Response, Problem> {
    let (frame, _) = reader.page("/lab").await?;
    html(&LabPage::new(frame, &reader.app.course.reference))
}

fn chapter<'c>(reader: &'c Reader, id: &str) -> Result<&'c Chapter, Problem> {
    reader.app.course.plan.chapters.iter().find(|chapter| chapter.id == id).ok_or(Problem::PageUnknown)
}

async fn quiz(reader: Reader, Path(id): Path<String>) -> Result<Response, Problem> {
    let chapter = chapter(&reader, &id)?;
    let (frame, _) = reader.page(&format!("/chapters/{id}/quiz")).await?;
    html(&QuizPage::new(frame, &reader.app.course, chapter))
}

async fn chapter_sheets(reader: Reader, Path(id): Path<String>) -> Result<Response, Problem> {
    let chapter = chapter(&reader, &id)?;
    let (frame, _) = reader.page(&format!("/chapters/{id}/worksheets")).await?;
    html(&WorksheetsPage::of_chapter(frame, &reader.app.course, chapter))
}

async fn lesson_sheet(reader: Reader, Path(slug): Path<String>) -> Result<Response, Problem> {
    let lesson = reader.app.course.lesson(&slug).ok_or(Problem::PageUnknown)?;
    let (frame, _) = reader.page(&format!("/lessons/{slug}/worksheet")).await?;
    let title = lesson.title.plain(reader.language);
    html(&WorksheetsPage::new(frame, title, &[lesson]))
}

async fn teachers(reader: Reader) -> Result<Response, Problem> {
    let (frame, _) = reader.page("/teachers").await?;
    html(&TeachersPage::new(frame, &reader.app.course, reader.visitor.host))
}

async fn key(reader: Reader) -> Result<Response, Problem> {
    if !reader.visitor.host {
        return Err(Problem::Share(ShareRefusal::HostOnly));
    }
    let (frame, _) = reader.page("/teachers/key").await?;
    html(&KeyPage::new(frame, &reader.app.course))
}
