//! A new lesson to begin with: a small one that runs, holds and validates, to be replaced part by
//! part.

use super::Course;
use super::load::folder_of;

/// The files of the draft; `{id}` and `{slug}` are filled.
const FILES: [(&str, &str); 7] = [
    ("lesson.toml", include_str!("../assets/draft/lesson.toml")),
    ("en.md", include_str!("../assets/draft/en.md")),
    ("ja.md", include_str!("../assets/draft/ja.md")),
    ("program.py", include_str!("../assets/draft/program.py")),
    ("starter.py", include_str!("../assets/draft/starter.py")),
    ("solution.py", include_str!("../assets/draft/solution.py")),
    ("wrong/twice.py", include_str!("../assets/draft/wrong/twice.py")),
];

/// A draft of a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its folder.
    pub folder: String,
    /// Its files, by path below the folder of the lessons.
    pub files: Vec<(String, String)>,
    /// `chapters.toml` with the lesson in it.
    pub chapters: String,
}

/// Why there is no draft.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// A slug is a part of addresses and of file names.
    #[error("`{0}` is no slug: small letters, digits and single hyphens between them")]
    Slug(String),
    /// There is such a lesson.
    #[error("there is a lesson `{0}` already")]
    Taken(String),
    /// There is no such chapter.
    #[error("there is no chapter `{name}`; there are {known}")]
    Chapter {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// `chapters.toml` has a form that is not understood here.
    #[error("the list `lessons` of chapter `{0}` was not found in chapters.toml; add the lesson there by hand")]
    List(String),
}

/// Makes a lesson with this slug at the end of a chapter, of the last one without `chapter`. `chapters` is the text of
/// `chapters.toml`, which is kept as its author wrote it.
///
/// # Errors
/// [`DraftError`]
pub fn draft(course: &Course, chapters: &str, slug: &str, chapter: Option<&str>) -> Result<Draft, DraftError> {
    let sound = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if slug.len() > 60 || !slug.split('-').all(sound) {
        return Err(DraftError::Slug(slug.to_owned()));
    }
    if course.lesson(slug).is_some() {
        return Err(DraftError::Taken(slug.to_owned()));
    }
    let known = || course.plan.chapters.iter().map(|chapter| chapter.id.as_str());
    let chapter = match chapter {
        Some(name) if !known().any(|id| id == name) => {
            let known = known().collect::<Vec<_>>().join(", ");
            return Err(DraftError::Chapter { name: name.to_owned(), known });
        }
        Some(name) => name,
        None => known().next_back().unwrap_or_default(),
    };
    let numbers = course.lessons.iter().filter(|lesson| lesson.id.starts_with('L')).map(super::Lesson::number);
    let id = format!("L{:02}", numbers.max().unwrap_or(0) + 1);
    let chapters = with_lesson(chapters, chapter, &id).ok_or_else(|| DraftError::List(chapter.to_owned()))?;
    let folder = folder_of(&id, slug);
    let fill = |text: &str| text.replace("{id}", &id).replace("{slug}", slug);
    let files = FILES.iter().map(|(name, text)| (format!("{folder}/{name}"), fill(text))).collect();
    Ok(Draft { folder, files, chapters })
}

/// The text with one more lesson at the end of a chapter's list.
fn with_lesson(chapters: &str, chapter: &str, id: &str) -> Option<String> {
    let named = chapters.find(&format!("id = \"{chapter}\"\n"))?;
    let list = named + chapters.get(named..)?.find("\nlessons = [")?;
    let end = list + chapters.get(list..)?.find(']')?;
    let (before, after) = chapters.split_at_checked(end)?;
    let before = before.trim_end().trim_end_matches(',');
    let comma = if before.ends_with('[') { "" } else { ", " };
    Some(format!("{before}{comma}\"{id}\"{after}"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::Files;

    #[test]
    fn a_draft_is_a_sound_lesson() {
        let mut files: BTreeMap<_, _> = firmware_tests::lesson_files().into_iter().collect();
        let chapters = String::from_utf8(files["chapters.toml"].clone()).unwrap();
        let course = Course::ours();
        let made = draft(&course, &chapters, "my-lesson", None).unwrap();
        files.insert("chapters.toml".to_owned(), made.chapters.into_bytes());
        files.extend(made.files.into_iter().map(|(path, text)| (path, text.into_bytes())));
        let grown = Course::from_files(&files.into_iter().collect::<Files>()).unwrap();
        assert_eq!(grown.lessons.len(), course.lessons.len() + 1);
        let lesson = grown.lesson("my-lesson").unwrap();
        let chapter = grown.plan.chapter_of(lesson).map(|chapter| &chapter.id);
        assert_eq!(chapter, grown.plan.chapters.last().map(|chapter| &chapter.id));
        assert_eq!(lesson.folder(), made.folder);
    }

    #[test]
    fn what_is_asked_for_has_to_make_sense() {
        let course = Course::ours();
        let refused = |slug: &str, chapter| draft(&course, "", slug, chapter).unwrap_err().to_string();
        for slug in ["", "My", "a--b", "../x", "a_b", "-a"] {
            assert!(refused(slug, None).contains("is no slug"), "{slug}");
        }
        assert_eq!(refused("lost-update", None), "there is a lesson `lost-update` already");
        assert!(refused("new", Some("nowhere")).starts_with("there is no chapter `nowhere`; there are "));
        assert!(refused("new", None).contains("by hand"));
    }

    #[test]
    fn the_list_keeps_its_form() {
        let text = "id = \"a\"\nlessons = [\n  \"L1\",\n]\nid = \"b\"\nlessons = []\n";
        assert_eq!(
            with_lesson(text, "a", "L2").as_deref(),
            Some("id = \"a\"\nlessons = [\n  \"L1\", \"L2\"]\nid = \"b\"\nlessons = []\n")
        );
        assert!(with_lesson(text, "b", "L2").unwrap().ends_with("lessons = [\"L2\"]\n"));
        assert_eq!(with_lesson(text, "c", "L2"), None);
    }
}
