//! What the pages show: one view structure for each template.
//!
//! A view takes the course and what is known of the visitor, and holds nothing but what its
//! template writes. No axum in here; `routes::pages` does the asking and answering.

pub mod bench;
pub mod boards;
pub mod class;
pub mod class_host;
pub mod course_index;
pub mod documents;
mod explorer;
pub mod frame;
mod parts;
pub mod quiz;
pub mod teachers;
pub mod trouble;
pub mod visitor_work;
pub mod words;
pub mod workshop;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use askama::Template;

    use super::bench::{BenchPage, Viewer};
    use super::boards::{BoardFacts, BoardsPage};
    use super::course_index::CoursePage;
    use super::documents::DocumentsPage;
    use super::frame::{BoardChip, ClassStrip, Frame, Part, Theme};
    use super::quiz::QuizPage;
    use super::teachers::{KeyPage, TeachersPage, WorksheetsPage};
    use super::trouble::TroublePage;
    use super::visitor_work::VisitorWork;
    use super::words::{GlossaryPage, LabPage};
    use crate::board::registry::Listed;
    use crate::error::Problem;
    use course::Language;
    use workbench::flashing::Progress;
    use workbench::state::BoardId;
    use workbench::state::{BoardFault, BoardState, BoardStatus, Device};

    pub(super) fn frame(language: Language, part: Part) -> Frame {
        Frame {
            language,
            theme: Theme::System,
            part,
            path: "/".to_owned(),
            bench_path: "/lessons/lost-update".to_owned(),
            explorer_path: Some("/lessons/lost-update#explorer".to_owned()),
            board: Some(BoardChip {
                name: "Virtual 1".to_owned(),
                chip: "ESP32-C3".to_owned(),
                state: "ready".to_owned(),
                attached: false,
            }),
            class: ClassStrip::default(),
            site: None,
            projector: false,
        }
    }

    /// Boards in states that show all parts of a card.
    fn boards() -> Vec<BoardFacts> {
        let own = Listed::own(BoardStatus::new_virtual(BoardId("virtual-1".to_owned())));
        let fault = BoardFault {
            code: "port-permission",
            cause: "no permission".to_owned(),
            command: Some("sudo usermod -aG dialout ada".to_owned()),
            program: None,
        };
        let attached =
            [("esp-1", BoardState::Fault(fault)), ("rfc2217://h:1", BoardState::Flashing(Progress::default()))].map(
                |(id, state)| {
                    let device = Device { port: Some("/dev/ttyACM0".to_owned()), name: String::new(), likely: true };
                    let mut status = BoardStatus::new_attached(BoardId(id.to_owned()), device);
                    status.state = state;
                    Listed::own(status)
                },
            );
        let listed = std::iter::once(own).chain(attached);
        listed.enumerate().map(|(at, listed)| BoardFacts { listed, on_bench: at == 0 }).collect()
    }

    /// Every page of the site, by name.
    fn all_pages(language: Language) -> BTreeMap<String, String> {
        let course = crate::lessons::embedded().unwrap();
        let work = BTreeMap::new();
        let around = || frame(language, Part::Course);
        let index = CoursePage::new(around(), &course, &work, None, None).unwrap();
        let boards = boards();
        let mut pages = BTreeMap::from([
            ("course".to_owned(), index.render().unwrap()),
            ("documents".to_owned(), DocumentsPage::new(around(), &course, &work).render().unwrap()),
            ("glossary".to_owned(), GlossaryPage::new(around(), &course).render().unwrap()),
            ("lab".to_owned(), LabPage::new(around(), &course.reference).render().unwrap()),
            ("teachers".to_owned(), TeachersPage::new(around(), &course, true).render().unwrap()),
            ("key".to_owned(), KeyPage::new(around(), &course).render().unwrap()),
            (
                "boards".to_owned(),
                BoardsPage::new(frame(language, Part::Boards), &course, &boards, true).render().unwrap(),
            ),
            (
                "trouble".to_owned(),
                TroublePage::new(frame(language, Part::Elsewhere), Problem::PageUnknown.text(language))
                    .render()
                    .unwrap(),
            ),
        ]);
        for chapter in &course.plan.chapters {
            let quiz = QuizPage::new(around(), &course, chapter).render().unwrap();
            pages.insert(format!("quiz {}", chapter.id), quiz);
            let sheets = WorksheetsPage::of_chapter(around(), &course, chapter).render().unwrap();
            pages.insert(format!("worksheets {}", chapter.id), sheets);
        }
        for lesson in &course.lessons {
            let work = VisitorWork::default();
            for (name, prepares) in [("", None), (" for a host", Some(false)), (" prepared", Some(true))] {
                let viewer = Viewer { seed: 7, prepares, solution: prepares.is_some() };
                let page = BenchPage::new(frame(language, Part::Bench), &course, lesson, &work, viewer);
                pages.insert(format!("{}{name}", lesson.slug), page.render().unwrap());
            }
        }
        pages
    }

    /// Values of an attribute in a page.
    fn values<'h>(html: &'h str, attribute: &str) -> Vec<&'h str> {
        html.split(&format!(" {attribute}=\"")).skip(1).filter_map(|rest| rest.split('"').next()).collect()
    }

    #[test]
    fn pages_keep_to_the_content_security_policy() {
        for language in Language::ALL {
            for (name, html) in all_pages(language) {
                assert!(values(&html, "style").is_empty(), "{name}: inline style");
                assert!(!html.contains(" onclick="), "{name}: inline script");
                for script in html.split("<script").skip(1) {
                    let tag = script.split('>').next().unwrap();
                    assert!(
                        tag.contains("src=\"/assets/") || tag.contains("application/json"),
                        "{name}: <script{tag}>"
                    );
                }
                for address in values(&html, "src") {
                    assert!(address.starts_with('/'), "{name}: {address} is elsewhere");
                }
            }
        }
    }

    #[test]
    fn labels_and_names_lead_to_elements() {
        for (name, html) in all_pages(Language::En) {
            let ids = values(&html, "id");
            let unique: BTreeSet<_> = ids.iter().copied().collect();
            assert_eq!(ids.len(), unique.len(), "{name}: an id stands twice");
            let labels = values(&html, "for").into_iter().chain(values(&html, "aria-labelledby"));
            for target in labels.flat_map(str::split_whitespace) {
                assert!(unique.contains(target), "{name}: nothing has the id {target}");
            }
            for target in values(&html, "href").into_iter().filter_map(|href| href.strip_prefix('#')) {
                assert!(unique.contains(target), "{name}: nothing has the id {target}");
            }
        }
    }

    #[test]
    fn no_place_stays_unfilled_and_no_key_is_shown() {
        for language in Language::ALL {
            for (name, html) in all_pages(language) {
                let words = html.split("<script type=\"application/json\"").next().unwrap();
                for section in [
                    "nav.",
                    "bench.",
                    "course.",
                    "boards.",
                    "glossary.",
                    "reference.",
                    "quiz.",
                    "teachers.",
                    "worksheet.",
                    "key.",
                    "live.",
                    "step.",
                    "state.",
                ] {
                    assert!(!words.contains(&format!(">{section}")), "{name}: a key of {section} is shown");
                }
                assert!(words.contains(&format!("lang=\"{}\"", language.tag())), "{name}: no language");
            }
        }
    }
}
