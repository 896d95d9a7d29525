//! The structural check: everything about a course that can be judged without a board.

use std::collections::{BTreeMap, BTreeSet};

use super::lesson::{Instrument, Lesson, Role, Term};
use super::load::Finding;
use super::relation::Relation;
use super::settings::Settings;
use super::{Course, Measure, index, reference, rules, terms};

/// Adds every problem of the course to `findings`.
pub(super) fn course(course: &Course, findings: &mut Vec<Finding>) {
    let mut report = |place: &str, message: String| {
        findings.push(Finding { file: "course.toml".to_owned(), place: place.to_owned(), message });
    };
    let claims: BTreeSet<&str> = course
        .documents
        .iter()
        .flat_map(|document| &document.sections)
        .flat_map(|section| section.claims.iter().map(String::as_str))
        .collect();
    for name in repeated(course.values.iter().map(|value| value.name.as_str())) {
        report("value", format!("`{name}` is described twice; keep one"));
    }
    for id in repeated(course.corrections.iter().map(|correction| correction.id.as_str())) {
        report("correction", format!("`{id}` stands there twice; keep one"));
    }
    for (what, names) in [
        ("id", course.lessons.iter().map(|lesson| lesson.id.as_str()).collect::<Vec<_>>()),
        ("slug", course.lessons.iter().map(|lesson| lesson.slug.as_str()).collect()),
    ] {
        for name in repeated(names) {
            report(what, format!("two lessons are called `{name}`; rename one"));
        }
    }
    // A lesson that could not be read is reported as such, and not by those that speak of it.
    if findings.is_empty() {
        links(course, findings);
        index::sentences(course, findings);
        course.plan.check(course, findings);
        findings.extend(terms::explained(course));
        reference::check(course, findings);
    }
    for lesson in &course.lessons {
        LessonCheck { course, lesson, claims: &claims, findings }.run();
    }
}

/// A link from one lesson's text to another must lead somewhere.
fn links(course: &Course, findings: &mut Vec<Finding>) {
    const TO_A_LESSON: &str = "href=\"/lessons/";
    for lesson in &course.lessons {
        for (file, sections) in [("en.md", &lesson.en), ("ja.md", &lesson.ja)] {
            for section in sections {
                for link in section.html.split(TO_A_LESSON).skip(1) {
                    let slug = link.split('"').next().unwrap_or_default();
                    if course.lesson(slug).is_none() {
                        findings.push(Finding {
                            file: format!("{}/{file}", lesson.folder()),
                            place: format!("section `{}`", section.key),
                            message: format!("links to the lesson `{slug}`, which does not exist; mend the link"),
                        });
                    }
                }
            }
        }
    }
}

/// Names that occur more than once.
fn repeated<'n>(names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    let mut counts = BTreeMap::new();
    for name in names {
        *counts.entry(name).or_insert(0) += 1;
    }
    counts.into_iter().filter(|(_, count)| *count > 1).map(|(name, _)| name).collect()
}

struct LessonCheck<'c> {
    course: &'c Course,
    lesson: &'c Lesson,
    claims: &'c BTreeSet<&'c str>,
    findings: &'c mut Vec<Finding>,
}

impl LessonCheck<'_> {
    fn report(&mut self, file: &str, place: impl Into<String>, message: impl Into<String>) {
        let file = format!("{}/{file}", self.lesson.folder());
        self.findings.push(Finding { file, place: place.into(), message: message.into() });
    }

    fn run(&mut self) {
        let lesson = self.lesson;
        self.references();
        self.texts();
        self.predictions();
        for (index, attempt) in lesson.tries.iter().enumerate() {
            self.settings(&format!("try {}", index + 1), &attempt.set);
        }
        for (index, instrument) in lesson.instruments.iter().enumerate() {
            self.instrument(&format!("instrument {}", index + 1), instrument);
        }
        self.grid();
        self.exercise();
        if let Some(explorer) = &lesson.explorer {
            self.relation("explorer", &explorer.invariant);
            for name in &explorer.values {
                self.value("explorer", name);
            }
            if let Some(share) = &explorer.share {
                for name in [&share.executions, &share.lost, &share.interrupts] {
                    self.value("explorer share", name);
                }
            }
            for case in &explorer.cases {
                self.settings("explorer case", &case.set);
            }
        }
        let shown = [&lesson.program, &lesson.starter, &lesson.solution];
        for hazard in &lesson.hazards {
            if !shown.iter().any(|program| program.lines().any(|line| line.contains(&hazard.line))) {
                self.report("lesson.toml", "hazard", format!("no program has a line with `{}`", hazard.line));
            }
        }
    }

    fn references(&mut self) {
        let lesson = self.lesson;
        for name in repeated(lesson.controls.iter().map(|control| control.name.as_str())) {
            self.report("lesson.toml", "control", format!("`{name}` stands there twice; keep one"));
        }
        for claim in &lesson.claims {
            if !self.claims.contains(claim.as_str()) {
                self.report("lesson.toml", "claims", format!("no section in course.toml makes the claim `{claim}`"));
            }
        }
        for id in &lesson.corrections {
            if !self.course.corrections.iter().any(|correction| correction.id == *id) {
                self.report("lesson.toml", "corrections", format!("course.toml has no correction `{id}`"));
            }
        }
    }

    fn texts(&mut self) {
        let lesson = self.lesson;
        for (file, sections) in [("en.md", &lesson.en), ("ja.md", &lesson.ja)] {
            let keys: Vec<&str> = sections.iter().map(|section| section.key.as_str()).collect();
            if keys != Lesson::SECTIONS {
                let wanted = Lesson::SECTIONS.join(", ");
                self.report(
                    file,
                    "",
                    format!("has the sections {}; it needs {wanted}, in this order", keys.join(", ")),
                );
            }
            for section in sections.iter().filter(|section| section.html.trim().is_empty()) {
                self.report(file, format!("line {}", section.line), format!("the section `{}` is empty", section.key));
            }
        }
    }

    fn predictions(&mut self) {
        let lesson = self.lesson;
        let before = lesson.before_the_questions();
        for name in repeated(lesson.predictions.iter().map(|prediction| prediction.id.as_str())) {
            self.report("lesson.toml", "predict", format!("two questions have the id `{name}`; rename one"));
        }
        for prediction in &lesson.predictions {
            let place = format!("predict `{}`", prediction.id);
            self.settings(&place, &prediction.set);
            for name in &prediction.shows {
                self.value(&place, name);
            }
            if prediction.options.len() < 2 {
                self.report("lesson.toml", &place, "needs at least two options");
            }
            for key in repeated(prediction.options.iter().map(|option| option.key.as_str())) {
                self.report("lesson.toml", &place, format!("two options have the key `{key}`; rename one"));
            }
            let set = lesson.settings(&prediction.set).ok();
            if set.is_none() || !lesson.tries.iter().any(|attempt| lesson.settings(&attempt.set).ok() == set) {
                self.report("lesson.toml", &place, "no [[try]] has its settings, so a learner cannot set them");
            }
            match prediction.options.iter().find(|option| option.key == prediction.right) {
                None => self.report("lesson.toml", &place, format!("has no answer `{}`", prediction.right)),
                Some(right) => {
                    for (where_, said) in index::gives_away(&before, &right.text) {
                        self.report("lesson.toml", &place, format!("{where_} gives the answer away: {said}"));
                    }
                }
            }
            for option in &prediction.options {
                self.relation(&place, &option.right_when);
            }
        }
    }

    fn instrument(&mut self, place: &str, instrument: &Instrument) {
        match instrument {
            Instrument::Equation { terms, result } => {
                self.terms(place, terms.iter().chain([result]));
            }
            Instrument::Readout { terms, .. } => self.terms(place, terms),
            Instrument::Timeline { triggers, points } => {
                for trigger in triggers {
                    if !self.lesson.program.contains(&format!("\"{}\"", trigger.name)) {
                        self.report(
                            "lesson.toml",
                            place,
                            format!("program.py never names the trigger `{}`", trigger.name),
                        );
                    }
                }
                for point in points {
                    if !matches!(point.lane, Role::Main | Role::Interrupt | Role::Scheduler) {
                        self.report("lesson.toml", place, "a lane is `main`, `interrupt` or `scheduler`");
                    }
                }
            }
            Instrument::Histogram { array, labels, .. } => {
                let published = format!("lab.array(\"{array}\"");
                if !self.lesson.program.contains(&published) {
                    self.report("lesson.toml", place, format!("program.py does not call `{published}, ...)`"));
                }
                if labels.is_empty() {
                    self.report("lesson.toml", place, "needs one label for each bar");
                }
            }
            Instrument::Outcome { columns, bar, verdicts } => {
                for column in columns {
                    if self.lesson.control(column).is_none() {
                        self.value(place, column);
                    }
                }
                if let Some(bar) = bar {
                    self.value(place, &bar.value);
                    self.value(place, &bar.share_of);
                }
                for verdict in verdicts {
                    self.relation(place, &verdict.when);
                }
            }
            Instrument::Balance {} | Instrument::Queue {} | Instrument::Latency {} => {}
        }
    }

    fn terms<'t>(&mut self, place: &str, terms: impl IntoIterator<Item = &'t Term>) {
        for term in terms {
            self.value(place, &term.value);
            if let Some(whole) = &term.share_of {
                self.value(place, whole);
            }
        }
    }

    fn grid(&mut self) {
        let grid = &self.lesson.grid;
        self.settings("grid", &grid.set);
        for relation in &grid.holds {
            self.relation("grid", relation);
        }
        if grid.rows.is_empty() {
            self.report("lesson.toml", "grid", "has no row; a lesson states what its runs must show");
        }
        for id in repeated(grid.rows.iter().map(|row| row.id.as_str())) {
            self.report("lesson.toml", "grid", format!("two rows have the id `{id}`; rename one"));
        }
        for row in &grid.rows {
            let place = format!("grid row `{}`", row.id);
            self.settings(&place, &row.set);
            for relation in &row.holds {
                self.relation(&place, relation);
            }
        }
    }

    fn exercise(&mut self) {
        let exercise = &self.lesson.exercise;
        if let Some(line) = rules::unguarded_schedule(self.lesson) {
            let message =
                "calls `schedule` without `try` where a hard run checks it: a full queue would end the callback";
            self.report("solution.py", format!("line {line}"), message);
        }
        let driver = self.lesson.exercise.driver.as_ref().map(|driver| &driver.text[..]);
        if let Some(rules::TwoWriters { name, line }) = rules::two_writers(&self.lesson.solution, driver) {
            let message =
                format!("main updates `{name}`, which a callback writes too; give each side its own, or guard it");
            self.report("solution.py", format!("line {line}"), message);
        }
        let runs: BTreeSet<&str> = exercise.runs.iter().map(|run| run.id.as_str()).collect();
        if runs.len() != exercise.runs.len() || runs.is_empty() {
            self.report("lesson.toml", "exercise", "needs runs, each with an id of its own");
        }
        for run in &exercise.runs {
            self.settings(&format!("exercise run `{}`", run.id), &run.set);
        }
        for (index, criterion) in exercise.criteria.iter().enumerate() {
            let place = format!("exercise criterion {}", index + 1);
            self.relation(&place, &criterion.holds);
            for run in criterion.runs.iter().filter(|run| !runs.contains(run.as_str())) {
                self.report("lesson.toml", &place, format!("the exercise has no run `{run}`"));
            }
            for message in [&criterion.message.en, &criterion.message.ja] {
                for name in placeholders(message) {
                    self.value(&place, name);
                }
            }
            if placeholders(&criterion.message.en) != placeholders(&criterion.message.ja) {
                self.report("lesson.toml", &place, "the message names other values in Japanese than in English");
            }
        }
        for fix in exercise.wrong.iter().filter(|fix| !runs.contains(fix.fails.as_str())) {
            self.report(
                "lesson.toml",
                format!("wrong fix `{}`", fix.file),
                format!("the exercise has no run `{}`", fix.fails),
            );
        }
        for file in repeated(exercise.wrong.iter().map(|fix| fix.file.as_str())) {
            self.report("lesson.toml", "exercise", format!("the wrong fix `{file}` stands there twice; keep one"));
        }
    }

    fn settings(&mut self, place: &str, set: &Settings) {
        if let Err(error) = self.lesson.settings(set) {
            self.report("lesson.toml", place, error.to_string());
        }
    }

    fn relation(&mut self, place: &str, relation: &Relation) {
        for name in relation.names() {
            if self.lesson.control(name).is_none() {
                self.value(place, name);
            }
        }
    }

    /// A name must be measured by the firmware or published by the lesson's program.
    fn value(&mut self, place: &str, name: &str) {
        let array = |instrument: &Instrument| match instrument {
            Instrument::Histogram { array, labels, .. } => name
                .strip_prefix(array.as_str())
                .and_then(|rest| rest.strip_prefix('.'))
                .and_then(|index| index.parse::<usize>().ok())
                .is_some_and(|index| index < labels.len()),
            _ => false,
        };
        let described = |measures: &[Measure]| measures.iter().any(|measure| measure.name == name);
        let of_one_source = name.split_once('.').is_some_and(|(source, counter)| {
            matches!(source.as_bytes(), [b't' | b'p', b'0'..=b'9'] | [b'p', b'1'..=b'2', b'0'..=b'9'])
                && self.course.values.iter().any(|value| value.name == counter)
        });
        let of_exception = name.split_once('.').is_some_and(|(exception, field)| {
            matches!(exception.as_bytes(), [b'e', b'x', b'c', b'0'..=b'9'])
                && ["class", "text", "context"].contains(&field)
        });
        if !(described(&self.lesson.values)
            || described(&self.course.values)
            || of_one_source
            || of_exception
            || self.lesson.instruments.iter().any(array))
        {
            self.report(
                "lesson.toml",
                place,
                format!("`{name}` is measured by nobody; describe it under [[value]], or mend the name"),
            );
        }
    }
}

/// The names in braces.
fn placeholders(message: &str) -> BTreeSet<&str> {
    message.split('{').skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name)).collect()
}
