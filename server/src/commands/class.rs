//! `isrlab class`: the host's link, results, taking a class to another computer.
//!
//! These work on the data folder, whether a workbench runs on it or not. One that runs hears of a class that was brought in
//! when it is started again.

mod http;
mod rehearse;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use tokio::runtime::Runtime;

use super::database::DatabaseOption;
use super::out::{self, language, say};
use crate::class::{Class, ClassId, Everything, table};
use crate::classes::{Classes, host_token};
use crate::error::Problem;
use crate::store::{Quota, Store};

/// Options of `isrlab class`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists the classes of a data folder.
    List(Folder),
    /// Prints the link that makes a browser on another computer the class host.
    Link(Link),
    /// Prints the results of a class: a table (--csv), or everything (--json).
    Export(Export),
    /// Brings an exported class in.
    Import(Import),
    /// A class of simulated pupils, to practise with: they work at a workbench on this computer.
    Rehearse(rehearse::Arguments),
}

#[derive(Debug, Args)]
struct Folder {
    /// The folder that keeps answers, edits and results.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    #[command(flatten)]
    database: DatabaseOption,
}

#[derive(Debug, Args)]
struct Link {
    #[command(flatten)]
    folder: Folder,
    /// The address of the workbench, as others reach it.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7878")]
    at: String,
}

#[derive(Debug, Args)]
struct Export {
    /// The class: its number, or its title.
    class: String,
    /// A table with a row for each learner and lesson.
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Everything, for `isrlab class import`.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    folder: Folder,
}

#[derive(Debug, Args)]
struct Import {
    /// The file that `isrlab class export --json` printed, or that the page gave.
    file: PathBuf,
    #[command(flatten)]
    folder: Folder,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.what {
        What::List(folder) => list(folder)?,
        What::Link(link) => {
            let runtime = runtime()?;
            let store = open(&runtime, link.folder)?;
            // To the terminal and nowhere else: whoever has it is the host.
            out::print(&format!("{}/host/{}\n", link.at.trim_end_matches('/'), host_token(store.key())))?;
        }
        What::Export(export) => print_class(export)?,
        What::Import(import) => bring_in(import)?,
        What::Rehearse(arguments) => rehearse::execute(arguments)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The store of a database that is there: a slip of the pen makes no new one.
fn open(runtime: &Runtime, folder: Folder) -> anyhow::Result<Store> {
    let there = folder.database.url()?.is_some() || folder.data.is_dir();
    anyhow::ensure!(there, "there is no data folder {}; --data names another one", folder.data.display());
    open_or_make(runtime, folder)
}

fn open_or_make(runtime: &Runtime, folder: Folder) -> anyhow::Result<Store> {
    let database = folder.database.url()?;
    Ok(runtime.block_on(Store::at(database.as_ref(), Some(&folder.data), Quota::default()))?)
}

fn list(folder: Folder) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let store = open(&runtime, folder)?;
    for class in runtime.block_on(store.classes())? {
        let (id, title, learners) = (class.id.0, &class.title, class.seats.len());
        let ended = if class.ended.is_some() { language().pick(", ended", "、終了") } else { "" };
        say!("{id}  {title}  {learners}{}{ended}", language().pick(" learners", " 人"))?;
    }
    Ok(())
}

/// The class of this number or title; the newest of several.
fn find(classes: Vec<Class>, wanted: &str) -> anyhow::Result<Class> {
    let number = wanted.parse().map(ClassId).ok();
    let is_wanted = |class: &Class| Some(class.id) == number || class.title == wanted;
    classes
        .into_iter()
        .rev()
        .find(is_wanted)
        .with_context(|| format!("there is no class {wanted}; `isrlab class list` names those that there are"))
}

fn print_class(export: Export) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let store = open(&runtime, export.folder)?;
    let class = find(runtime.block_on(store.classes())?, &export.class)?;
    if export.json {
        let classes = runtime.block_on(Classes::open(&store))?;
        let everything = runtime.block_on(classes.everything(class.id)).map_err(told)?;
        out::print(&(serde_json::to_string_pretty(&everything)? + "\n"))?;
        return Ok(());
    }
    let course = crate::lessons::embedded()?;
    out::print(&String::from_utf8_lossy(&table(&class, &course, language())))?;
    Ok(())
}

fn bring_in(import: Import) -> anyhow::Result<()> {
    let path = import.file.display();
    let text = std::fs::read_to_string(&import.file).with_context(|| format!("cannot read {path}"))?;
    let everything = Everything::read(&text).with_context(|| format!("{path} is not brought in"))?;
    let runtime = runtime()?;
    let store = open_or_make(&runtime, import.folder)?;
    let classes = runtime.block_on(Classes::open(&store))?;
    let id = runtime.block_on(classes.bring_in(everything)).map_err(told)?;
    say!("{}", id.0)?;
    Ok(())
}

fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// A problem in the words that a page would have.
fn told(problem: Problem) -> anyhow::Error {
    let text = problem.text(language());
    anyhow::anyhow!("{}\n  {}\n  [{}]", text.message, text.hint, text.code)
}
