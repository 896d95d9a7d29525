//! `isrlab lesson new`: a lesson to begin with, which validates as it is made.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};

use super::out::{failure, language, say_text};
use course::draft::{self, DraftError};
use course::load::COURSE_FILE;
use course::{Course, Language};

/// Options of `isrlab lesson`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Makes a lesson that runs and validates, to be replaced part by part.
    New(New),
}

#[derive(Debug, Args)]
struct New {
    /// Its name in addresses and on the command line: small letters, digits, hyphens.
    slug: String,
    /// The folder of the lessons. One that is not there yet, or empty, gets a copy of those that this binary carries.
    #[arg(long, value_name = "DIR", default_value = "lessons")]
    folder: PathBuf,
    /// The chapter at whose end it stands; the last one without it.
    #[arg(long, value_name = "ID")]
    chapter: Option<String>,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let What::New(new) = arguments.what;
    let folder = new.folder.as_path();
    let copied = copy_course(folder)?;
    let files = crate::lessons::files(Some(folder))?;
    let chapters = files.iter().find(|(path, _)| path == "chapters.toml").map(|(_, bytes)| bytes.clone());
    let course = Course::from_files(&files.into_iter().collect())?;
    let chapters = String::from_utf8(chapters.unwrap_or_default())?;
    let made = draft::draft(&course, &chapters, &new.slug, new.chapter.as_deref()).map_err(refused)?;
    for (path, text) in &made.files {
        write(&folder.join(path), text.as_bytes())?;
    }
    write(&folder.join("chapters.toml"), made.chapters.as_bytes())?;
    say_text(&told(folder, &made.folder, &new.slug, copied, language()))?;
    Ok(ExitCode::SUCCESS)
}

/// Puts this binary's lessons into a folder that has nothing in it; returns whether it did.
fn copy_course(folder: &Path) -> anyhow::Result<bool> {
    if folder.join(COURSE_FILE).exists() {
        return Ok(false);
    }
    let empty = match folder.read_dir() {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
        Err(error) => return Err(error).with_context(|| folder.display().to_string()),
    };
    if !empty {
        let name = folder.display();
        return Err(failure(
            format!("{name} has no course.toml, so it is no folder of lessons; name another one with --folder"),
            format!(
                "{name} には course.toml がないので、レッスンのフォルダーではありません。--folder で別のフォルダーを指定してください。"
            ),
        ));
    }
    for (path, bytes) in crate::lessons::files(None)? {
        write(&folder.join(path), &bytes)?;
    }
    Ok(true)
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot = || {
        let name = path.display();
        failure(format!("{name} cannot be written"), format!("{name} に書き込めません。"))
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| cannot().to_string())?;
    }
    std::fs::write(path, bytes).with_context(|| cannot().to_string())
}

fn refused(error: DraftError) -> anyhow::Error {
    let ja = match &error {
        DraftError::Slug(slug) => {
            format!("`{slug}` は名前に使えません。使えるのは小文字、数字、その間の一つのハイフンです。")
        }
        DraftError::Taken(slug) => format!("レッスン `{slug}` はすでにあります。"),
        DraftError::Chapter { name, known } => format!("章 `{name}` はありません。あるのは {known} です。"),
        DraftError::List(chapter) => {
            format!("chapters.toml に章 `{chapter}` の `lessons` の一覧が見つかりません。手で書き加えてください。")
        }
    };
    failure(error, ja)
}

fn told(folder: &Path, made: &str, slug: &str, copied: bool, language: Language) -> String {
    let (dir, lesson) = (folder.display(), folder.join(made));
    let lesson = lesson.display();
    let steps = format!("  isrlab validate {slug} --folder {dir}\n  isrlab serve --folder {dir}");
    match language {
        Language::En => {
            let copied = if copied { format!("{dir} has a copy of the course now.\n") } else { String::new() };
            format!("{copied}{lesson} is a lesson that validates. Replace it part by part, and look at it:\n{steps}")
        }
        Language::Ja => {
            let copied =
                if copied { format!("{dir} にコースの複製を作りました。\n") } else { String::new() };
            format!(
                "{copied}{lesson} に、そのまま検証に通るレッスンを作りました。少しずつ書き換えて確かめてください。\n{steps}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(folder: &Path, slug: &str) -> anyhow::Result<ExitCode> {
        let what = What::New(New { slug: slug.to_owned(), folder: folder.to_owned(), chapter: None });
        execute(Arguments { what })
    }

    #[test]
    fn a_lesson_is_made_in_a_folder_of_lessons_and_in_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let lessons = folder.path().join("mine");
        new(&lessons, "first-try").unwrap();
        new(&lessons, "second-try").unwrap();
        let course = crate::lessons::from_folder(&lessons).unwrap();
        assert_eq!(course.lessons.len(), crate::lessons::embedded().unwrap().lessons.len() + 2);
        assert!(course.lesson("second-try").is_some());
        let again = new(&lessons, "first-try").unwrap_err().to_string();
        assert_eq!(again, "there is a lesson `first-try` already");
    }

    #[test]
    fn somebody_elses_folder_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("letter.txt"), "dear").unwrap();
        assert!(new(folder.path(), "mine").unwrap_err().to_string().contains(COURSE_FILE));
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
