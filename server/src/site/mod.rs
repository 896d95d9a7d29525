//! The course as static files: the pages that the router serves, written once in both languages, with the board, checks and
//! explorations in the reader's tab and the learner's work in their browser. No `isrlab` runs behind it.
//!
//! Pages are asked of the real router, from the first one along their links, so that whatever the course gains is on the
//! site as well. What needs the program itself leads to the page that says so.

mod files;
mod links;
mod pages;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::app::{App, AppError, AppState};
use crate::config::{Limits, ServeConfig};
use crate::router::router;
use course::Language;

/// How a site is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SiteKind {
    /// From any web server.
    Folder,
    /// As files, from a disk or a stick, where browsers let scripts fetch nothing.
    Single,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Pages, both languages together.
    pub pages: usize,
    /// All files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// Why there is no site.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// There is no application to ask.
    #[error(transparent)]
    App(#[from] AppError),
    /// A page is not what the router should answer.
    #[error("the page {path} cannot be written: the answer is {status}")]
    Page {
        /// Its path.
        path: String,
        /// What was answered.
        status: u16,
    },
    /// The page's files are not in this binary.
    #[error("the page's file `{0}` is not in this program; build it with `cargo xtask web` first")]
    AssetMissing(String),
    /// The folder holds something else.
    #[error("{0} is not empty and holds no site; name an empty folder, or one with an earlier site")]
    NotOurs(PathBuf),
    /// A file cannot be written or read.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The folder of a language's pages, from the site's root.
fn folder(language: Language) -> &'static str {
    match language {
        Language::En => "",
        Language::Ja => "ja/",
    }
}

/// Writes the whole site into a folder, in the place of an earlier one.
///
/// # Errors
/// [`SiteError`]
pub async fn write(out: &Path, kind: SiteKind, lessons: Option<PathBuf>) -> Result<Written, SiteError> {
    files::may_write(out)?;
    // Whoever asks for all pages at once is nobody that a limit is for.
    let limits = Limits { burst: u32::MAX, place_burst: u32::MAX, ..Limits::default() };
    let app = AppState::from(App::build(ServeConfig { site: Some(kind), lessons, limits, ..ServeConfig::default() })?);
    let router = router(app.clone());
    let mut written = BTreeMap::new();
    for language in Language::ALL {
        let pages = pages::ask(&router, language).await?;
        for (path, html) in &pages {
            if let Some(html) = html {
                let place = links::Place { file: links::file(path, language), language, pages: &pages, kind };
                written.insert(place.file.clone(), links::rewritten(html, &place).into_bytes());
            }
        }
    }
    let pages = written.len();
    files::add(&mut written, kind, &app.lesson_files)?;
    files::put(out, &written)?;
    let bytes = written.values().map(|content| content.len() as u64).sum();
    Ok(Written { pages, files: written.len(), bytes })
}
