//! Where lessons come from: this binary, or an author's folder.

use std::path::Path;

use course::{Course, CourseError};
use rust_embed::RustEmbed;

/// The lessons in this repository, carried by the binary.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../lessons"]
struct Embedded;

/// Why there is no course.
#[derive(Debug, thiserror::Error)]
pub enum LessonsError {
    /// The folder cannot be read.
    #[error("the folder of the lessons cannot be read: {path}: {source}")]
    Unreadable {
        /// What was read.
        path: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The lessons have mistakes.
    #[error(transparent)]
    Unsound(#[from] CourseError),
}

/// Whether the lessons that this binary carries were checked when it was made. A build for development carries none, and reads
/// those of the repository's folder whenever it begins.
const CHECKED_BEFORE: bool = !cfg!(debug_assertions);

/// Loads the lessons of a folder, or without one those that this binary carries.
///
/// # Errors
/// As [`from_folder`] and [`embedded`].
pub fn load(folder: Option<&Path>) -> Result<Course, LessonsError> {
    course_of(folder, files(folder)?)
}

/// The course of these files, which are a folder's or those that this binary carries.
///
/// # Errors
/// Every problem found in them.
pub fn course_of(folder: Option<&Path>, files: Vec<(String, Vec<u8>)>) -> Result<Course, LessonsError> {
    let files = files.into_iter().collect();
    let is_checked = folder.is_none() && CHECKED_BEFORE;
    Ok(if is_checked { Course::from_checked_files(&files) } else { Course::from_files(&files) }?)
}

/// As [`load`], with everything judged that can be judged without a board, wherever the lessons are from.
///
/// # Errors
/// As [`from_folder`].
pub fn validated(folder: Option<&Path>) -> Result<Course, LessonsError> {
    Ok(Course::from_files(&files(folder)?.into_iter().collect())?)
}

/// The files that [`load`] reads, by their path: what a tab is given that loads the lessons itself.
///
/// # Errors
/// An unreadable folder.
pub fn files(folder: Option<&Path>) -> Result<Vec<(String, Vec<u8>)>, LessonsError> {
    let Some(folder) = folder else {
        let embedded =
            Embedded::iter().filter_map(|path| Some((path.to_string(), Embedded::get(&path)?.data.into_owned())));
        return Ok(embedded.collect());
    };
    let mut files = Vec::new();
    read_folder(folder, "", &mut files)?;
    Ok(files)
}

/// Loads the lessons that this binary carries.
///
/// # Errors
/// What cannot be read of them; the tests of this file hold them to all the rest.
pub fn embedded() -> Result<Course, LessonsError> {
    load(None)
}

/// Loads the lessons of a folder, for authors.
///
/// # Errors
/// An unreadable folder, or every problem found in its lessons.
pub fn from_folder(folder: &Path) -> Result<Course, LessonsError> {
    load(Some(folder))
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Vec<(String, Vec<u8>)>) -> Result<(), LessonsError> {
    let unreadable = |path: &Path| {
        let path = path.display().to_string();
        move |source| LessonsError::Unreadable { path, source }
    };
    for entry in std::fs::read_dir(folder).map_err(unreadable(folder))? {
        let entry = entry.map_err(unreadable(folder))?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        let path = entry.path();
        if path.is_dir() {
            read_folder(&path, &format!("{name}/"), files)?;
        } else {
            let bytes = std::fs::read(&path).map_err(unreadable(&path))?;
            files.push((name, bytes));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_binary_carries_passes_every_check_and_is_the_same_without_them() {
        let checked = validated(None).unwrap();
        let unchecked = Course::from_checked_files(&files(None).unwrap().into_iter().collect()).unwrap();
        assert!(format!("{checked:?}") == format!("{unchecked:?}"), "the checks change the course");
    }

    #[test]
    fn the_binary_and_the_folder_have_the_same_lessons() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lessons");
        let slugs = |course: Course| course.lessons.into_iter().map(|lesson| lesson.slug).collect::<Vec<_>>();
        assert_eq!(slugs(from_folder(&folder).unwrap()), slugs(embedded().unwrap()));
        let missing = from_folder(&folder.join("nowhere")).unwrap_err();
        assert!(matches!(missing, LessonsError::Unreadable { .. }), "{missing}");
    }
}
