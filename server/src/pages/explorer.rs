//! The race explorer on the bench page: which settings its strips begin with.

use super::bench::ControlView;
use course::Language;
use course::lesson::Explorer;
use course::{Control, Lesson, Setting};

/// The explorer of one lesson.
#[derive(Debug)]
pub(super) struct ExplorerView {
    /// Two strips, to be compared; the second is hidden until then.
    pub(super) lanes: [LaneView; 2],
    /// Whether programs for the exercise can be explored.
    pub(super) takes_own: bool,
}

/// One strip's settings.
#[derive(Debug)]
pub(super) struct LaneView {
    pub(super) id: &'static str,
    /// Catalogue key of its name.
    pub(super) words: &'static str,
    pub(super) controls: Vec<ControlView>,
}

impl ExplorerView {
    /// The first strip begins with the lesson's first case, the second with the lesson's defaults.
    pub(super) fn new(lesson: &Lesson, explorer: &Explorer, language: Language) -> Self {
        let first = explorer.cases.first();
        let explored = |control: &str, value: &str| {
            explorer.cases.iter().any(|case| matches!(case.set.get(control), Some(Setting::Text(set)) if set == value))
        };
        let lane = |id, words, chosen: &dyn Fn(&Control) -> Setting| LaneView {
            id,
            words,
            controls: lesson
                .controls
                .iter()
                .filter(|control| explorer.cases.iter().any(|case| case.set.contains_key(&control.name)))
                .map(|control| {
                    let mut view = ControlView::set_to(control, &chosen(control), language);
                    view.options.retain(|option| option.chosen || explored(&control.name, &option.value));
                    view
                })
                .collect(),
        };
        let of_case =
            |control: &Control| first.and_then(|case| case.set.get(&control.name)).unwrap_or(&control.default).clone();
        Self {
            takes_own: lesson.checks_arrivals(),
            lanes: [
                lane("a", "explorer.first_strip", &of_case),
                lane("b", "explorer.second_strip", &|control| control.default.clone()),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_offer_what_the_cases_vary_and_begin_with_two_that_differ() {
        let course = crate::lessons::embedded().unwrap();
        let lesson = course.lesson("lost-update").unwrap();
        let view = ExplorerView::new(lesson, lesson.explorer.as_ref().unwrap(), Language::En);
        let chosen = view.lanes.map(|lane| {
            lane.controls
                .iter()
                .map(|control| {
                    let option = control.options.iter().find(|option| option.chosen);
                    (control.name.clone(), option.map(|option| option.value.clone()).unwrap_or_default())
                })
                .collect::<Vec<_>>()
        });
        let named = |kind: &str| {
            [("kind", kind), ("expression", "plain"), ("cure", "none")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec()
        };
        assert_eq!(chosen, [named("hard"), named("soft")]);
    }
}
