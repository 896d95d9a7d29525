//! Instruments as the page shows them, and the rows that they fill.

use serde_json::{Value, json};

use super::{ColumnView, InstrumentView, KeyNumber, TermView};
use crate::pages::frame::Frame;
use course::Language;
use course::lesson::{Instrument, Role, Shape, Sign, Term};
use course::{Lesson, Text};

const fn role_name(role: Role) -> &'static str {
    match role {
        Role::Main => "main",
        Role::Interrupt => "interrupt",
        Role::Scheduler => "scheduler",
        Role::Lost => "lost",
        Role::Dropped => "dropped",
        Role::Plain => "plain",
    }
}

const fn shape_name(shape: Shape) -> &'static str {
    match shape {
        Shape::Holds => "holds",
        Shape::Price => "price",
        Shape::Lost => "lost",
    }
}

fn term_view(term: &Term, sign: &'static str, result: bool, language: Language) -> TermView {
    let words = |text: &Option<Text>| text.as_ref().map(|text| text.plain(language)).unwrap_or_default();
    TermView {
        value: term.value.clone(),
        sign,
        role: role_name(term.role),
        caption: words(&term.caption),
        share_of: term.share_of.clone().unwrap_or_default(),
        good: words(&term.caption_zero),
        result,
    }
}

fn equation(terms: &[Term], result: &Term, frame: &Frame) -> InstrumentView {
    let mut formula = format!("{} =", result.value);
    let mut views = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let sign = match (index, term.sign) {
            (0, Sign::Plus) => "",
            (_, Sign::Plus) => "+",
            (_, Sign::Minus) => "−",
        };
        formula.push_str(&format!(" {sign} {}", term.value).replace("  ", " "));
        views.push(term_view(term, sign, false, frame.language));
    }
    views.push(term_view(result, "=", true, frame.language));
    InstrumentView::Equation {
        terms: views,
        title: frame.t("bench.counters").to_owned(),
        formula,
        kind: "equation",
        list: "equation",
    }
}

/// The instruments of a bench by their place on the page.
#[derive(Debug)]
pub(super) struct Instruments {
    /// Beside the program: the lesson's first one.
    pub(super) first: Option<InstrumentView>,
    /// Below them: the table that sums up.
    pub(super) outcomes: Option<InstrumentView>,
    /// In rows of twelve columns.
    pub(super) others: Vec<InstrumentView>,
}

pub(super) fn instruments(lesson: &Lesson, frame: &Frame) -> Instruments {
    let language = frame.language;
    let nothing = frame.t("live.nothing_yet");
    let chart = |kind, title: &str, aside: String, width| InstrumentView::Chart {
        kind,
        title: title.to_owned(),
        aside,
        pauses: matches!(kind, "timeline" | "latency" | "histogram" | "history"),
        width,
        empty: if matches!(kind, "queue" | "history") { "" } else { nothing },
        data: Vec::new(),
    };
    let mut views: Vec<InstrumentView> = Vec::new();
    let mut outcomes = None;
    for instrument in &lesson.instruments {
        let view = match instrument {
            Instrument::Equation { terms, result } => equation(terms, result, frame),
            Instrument::Readout { title, terms } => InstrumentView::Equation {
                terms: terms.iter().map(|term| term_view(term, "", false, language)).collect(),
                title: title.plain(language),
                formula: String::new(),
                kind: "readout",
                list: "plain-values",
            },
            Instrument::Balance {} => {
                chart("balance", frame.t("bench.balance"), frame.t("bench.balance_aside").to_owned(), WIDE_COLUMNS)
            }
            Instrument::Queue {} => chart("queue", frame.t("bench.queue"), String::new(), SIDE_COLUMNS),
            Instrument::Timeline { triggers, points } => {
                let points: Vec<_> = points
                    .iter()
                    .map(
                        |point| json!({ "lane": point.lane, "does": point.does, "label": point.label.plain(language) }),
                    )
                    .collect();
                let triggers: Vec<_> = triggers
                    .iter()
                    .map(|trigger| json!({ "name": trigger.name, "label": trigger.label.plain(language) }))
                    .collect();
                InstrumentView::Chart {
                    kind: "timeline",
                    title: frame.t("bench.timeline").to_owned(),
                    aside: String::new(),
                    pauses: true,
                    width: 12,
                    empty: nothing,
                    data: vec![
                        ("triggers", serde_json::to_string(&triggers).unwrap_or_default()),
                        ("points", serde_json::to_string(&points).unwrap_or_default()),
                    ],
                }
            }
            Instrument::Latency {} => {
                chart("latency", frame.t("bench.latency"), frame.t("bench.latency_aside").to_owned(), WIDE_COLUMNS)
            }
            Instrument::Histogram { title, array, labels, role } => InstrumentView::Chart {
                kind: "histogram",
                title: title.plain(language),
                aside: String::new(),
                pauses: true,
                width: 12,
                empty: nothing,
                data: vec![
                    ("histogram", array.clone()),
                    ("labels", labels.join("\n")),
                    ("role", role_name(*role).to_owned()),
                ],
            },
            Instrument::Outcome { columns, bar, .. } => {
                let columns = columns
                    .iter()
                    .map(|name| ColumnView {
                        label: column_label(lesson, name, frame),
                        number: lesson.control(name).is_none(),
                        bar: bar.as_ref().is_some_and(|bar| bar.value == *name),
                    })
                    .collect();
                outcomes = Some(InstrumentView::Outcomes { columns });
                continue;
            }
        };
        views.push(view);
    }
    let first = (!views.is_empty()).then(|| views.remove(0));
    // The history is for every lesson.
    views.push(history(lesson, frame));
    fill_rows(&mut views);
    Instruments { first, outcomes, others: views }
}

/// Columns of the twelve that a wide and a narrow instrument take side by side.
const WIDE_COLUMNS: u32 = 7;
const SIDE_COLUMNS: u32 = 5;

/// Gives every instrument that would stand alone in its row the whole row, the last ones first.
fn fill_rows(views: &mut [InstrumentView]) {
    let of_width =
        |views: &[InstrumentView], columns| views.iter().filter(|view| view.width() == Some(columns)).count();
    let (wide, narrow) = (of_width(views, WIDE_COLUMNS), of_width(views, SIDE_COLUMNS));
    let lone = if wide > narrow { WIDE_COLUMNS } else { SIDE_COLUMNS };
    for view in views.iter_mut().rev().filter(|view| view.width() == Some(lone)).take(wide.abs_diff(narrow)) {
        if let InstrumentView::Chart { width, .. } = view {
            *width = 12;
        }
    }
}

impl InstrumentView {
    /// Columns of the twelve; `None` for those that always have a row of their own.
    fn width(&self) -> Option<u32> {
        match self {
            Self::Chart { width, .. } => Some(*width),
            Self::Equation { .. } | Self::Outcomes { .. } => None,
        }
    }
}

/// Rates over the time of a run: callbacks, drops, and what the lesson loses.
fn history(lesson: &Lesson, frame: &Frame) -> InstrumentView {
    let mut series = vec![
        json!({ "name": "ran", "label": "ran", "role": "interrupt" }),
        json!({ "name": "dropped", "label": "dropped", "role": "dropped" }),
    ];
    let key = key_number(lesson);
    if key.role == "lost" && key.name != "dropped" {
        series.push(json!({ "name": key.name, "label": key.name, "role": key.role }));
    }
    InstrumentView::Chart {
        kind: "history",
        title: frame.t("bench.history").to_owned(),
        aside: frame.t("bench.history_aside").to_owned(),
        pauses: true,
        width: 12,
        empty: frame.t("live.nothing_yet"),
        data: vec![("series", serde_json::to_string(&series).unwrap_or_default())],
    }
}

fn column_label(lesson: &Lesson, name: &str, frame: &Frame) -> String {
    match lesson.control(name) {
        Some(control) => control.label.plain(frame.language),
        None if name == "lat_max" => frame.t("bench.latency_max").to_owned(),
        None => name.to_owned(),
    }
}

/// The result of the equation, else the value of the outcome's bar, else callbacks.
pub(super) fn key_number(lesson: &Lesson) -> KeyNumber {
    for instrument in &lesson.instruments {
        if let Instrument::Equation { result, .. } = instrument {
            return KeyNumber { name: result.value.clone(), role: role_name(result.role) };
        }
    }
    for instrument in &lesson.instruments {
        if let Instrument::Outcome { bar: Some(bar), .. } = instrument {
            return KeyNumber { name: bar.value.clone(), role: "plain" };
        }
    }
    KeyNumber { name: "ran".to_owned(), role: "interrupt" }
}

pub(super) fn outcome_data(lesson: &Lesson, language: Language) -> Value {
    let found = lesson.instruments.iter().find_map(|instrument| match instrument {
        Instrument::Outcome { columns, bar, verdicts } => Some((columns, bar, verdicts)),
        _ => None,
    });
    let Some((columns, bar, verdicts)) = found else {
        return json!({ "columns": [], "bar": null, "key": "", "verdicts": [] });
    };
    json!({
        "columns": columns.iter().map(|name| json!({
            "name": name,
            "role": if lesson.control(name).is_some() { "setting" } else { "number" },
        })).collect::<Vec<_>>(),
        "bar": bar.as_ref().map(|bar| json!({ "value": bar.value, "shareOf": bar.share_of })),
        "key": key_number(lesson).name,
        "verdicts": verdicts.iter().map(|verdict| json!({
            "shape": shape_name(verdict.shape),
            "text": verdict.text.plain(language),
        })).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instruments_of_every_lesson_fill_their_rows() {
        let course = crate::lessons::embedded().unwrap();
        for lesson in &course.lessons {
            let frame = crate::pages::tests::frame(Language::En, crate::pages::frame::Part::Bench);
            let Instruments { first, outcomes, others: views } = instruments(lesson, &frame);
            assert!(first.is_some() && outcomes.is_some(), "{}", lesson.slug);
            let columns: u32 = views.iter().filter_map(InstrumentView::width).sum();
            assert_eq!(
                columns % 12,
                0,
                "{}: {:?}",
                lesson.slug,
                views.iter().map(InstrumentView::width).collect::<Vec<_>>()
            );
        }
    }
}
