//! `isrlab site`: the course as static files, for any web server or for a stick.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::out::{language, say};
use crate::site::{self, SiteKind, Written};
use course::Language;

/// Options of `isrlab site`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The folder to write; an earlier site in it is replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Makes pages that open as files, without any web server.
    #[arg(long)]
    single: bool,
    /// The lessons, in the place of those that this program carries.
    #[arg(long, value_name = "DIR")]
    lessons: Option<PathBuf>,
}

pub(super) fn execute(Arguments { out, single, lessons }: Arguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new()?;
    let kind = if single { SiteKind::Single } else { SiteKind::Folder };
    // The application is built within the runtime that it uses.
    let _within = runtime.enter();
    let Written { pages, files, bytes } = runtime.block_on(site::write(&out, kind, lessons))?;
    let (folder, mb) = (out.display(), bytes.div_ceil(1_000_000));
    match language() {
        Language::En => say!("{folder}: {pages} pages, {files} files, {mb} MB")?,
        Language::Ja => say!("{folder}: {pages} ページ、{files} ファイル、{mb} MB")?,
    }
    match (kind, language()) {
        (SiteKind::Folder, Language::En) => say!("Look at it: python3 -m http.server --directory {folder}")?,
        (SiteKind::Folder, Language::Ja) => say!("確認方法: python3 -m http.server --directory {folder}")?,
        (SiteKind::Single, Language::En) => say!("Open {folder}/index.html in a browser.")?,
        (SiteKind::Single, Language::Ja) => say!("{folder}/ja/index.html をブラウザで開いてください。")?,
    }
    Ok(ExitCode::SUCCESS)
}
