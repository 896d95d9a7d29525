//! Which keys a `lesson.toml` must have, so that an author hears of all that are missing at once,
//! each by its name and place. The reader itself stops at the first.

use toml::{Table, Value};

use super::load::Finding;

/// A table or list of tables, by the keys that lead to it, and what each must have.
const REQUIRED: [(&[&str], &[&str]); 24] = [
    (
        &[],
        &[
            "id",
            "slug",
            "title",
            "summary",
            "claims",
            "minutes",
            "kinds",
            "boards",
            "run",
            "predict",
            "try",
            "instrument",
            "grid",
            "exercise",
        ],
    ),
    (&["run"], &["seconds"]),
    (&["control"], &["name", "default"]),
    (&["value"], &["name", "meaning"]),
    (&["predict"], &["id", "question", "set", "shows", "right", "options", "after"]),
    (&["predict", "options"], &["key", "text", "right_when"]),
    (&["try"], &["text", "set"]),
    (&["instrument"], &["type"]),
    (&["instrument", "terms"], &["value"]),
    (&["instrument", "triggers"], &["name", "label"]),
    (&["instrument", "points"], &["lane", "does", "label"]),
    (&["instrument", "verdicts"], &["when", "shape", "text"]),
    (&["grid"], &["seconds", "holds", "row"]),
    (&["grid", "row"], &["id", "set", "holds"]),
    (&["exercise"], &["seconds", "hints", "passed", "run", "criterion"]),
    (&["exercise", "run"], &["id", "title", "set"]),
    (&["exercise", "criterion"], &["text", "holds", "message"]),
    (&["exercise", "wrong"], &["file", "why", "fails"]),
    (&["hazard"], &["line", "text"]),
    (&["instrument", "result"], &["value"]),
    (&["instrument", "bar"], &["value", "share_of"]),
    (&["explorer"], &["source", "values", "invariant", "case"]),
    (&["explorer", "case"], &["set", "losing"]),
    (&["explorer", "share"], &["executions", "lost", "interrupts", "rounds"]),
];

/// What an instrument must have beside its type.
const INSTRUMENTS: [(&str, &[&str]); 5] = [
    ("equation", &["terms", "result"]),
    ("readout", &["title", "terms"]),
    ("timeline", &["triggers", "points"]),
    ("histogram", &["title", "array", "labels", "role"]),
    ("outcome", &["columns", "verdicts"]),
];

/// Adds a finding for each key that is missing. A text that is no TOML has none.
pub(super) fn missing(path: &str, text: &str, findings: &mut Vec<Finding>) {
    let Ok(lesson) = text.parse::<Table>() else { return };
    let mut demand = |place: &str, table: &Table, required: &[&str]| {
        for key in required.iter().filter(|key| !table.contains_key(**key)) {
            let name = if place.is_empty() { (*key).to_owned() } else { format!("{place}.{key}") };
            findings.push(Finding {
                file: path.to_owned(),
                place: String::new(),
                message: format!("`{name}` is missing; docs/authoring.md says what it is"),
            });
        }
    };
    for (keys, required) in REQUIRED {
        let mut tables = vec![(String::new(), &lesson)];
        for key in keys {
            tables = tables.into_iter().flat_map(|(place, table)| inside(&place, table, key)).collect();
        }
        tables.iter().for_each(|(place, table)| demand(place, table, required));
    }
    for (place, table) in inside("", &lesson, "instrument") {
        let kind = table.get("type").and_then(Value::as_str);
        let asked = INSTRUMENTS.iter().find(|(name, _)| Some(*name) == kind).map_or(&[][..], |(_, required)| required);
        demand(&place, table, asked);
    }
    for (place, table) in texts("", &Value::Table(lesson)) {
        demand(&place, &table, &["en", "ja"]);
    }
}

/// Every table in which one of the two languages stands, with its name.
fn texts(place: &str, value: &Value) -> Vec<(String, Table)> {
    match value {
        Value::Table(table) if table.contains_key("en") || table.contains_key("ja") => {
            vec![(place.to_owned(), table.clone())]
        }
        Value::Table(table) => {
            let named = |key: &str| if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
            table.iter().flat_map(|(key, inner)| texts(&named(key), inner)).collect()
        }
        Value::Array(list) => {
            list.iter().enumerate().flat_map(|(at, inner)| texts(&format!("{place} {}", at + 1), inner)).collect()
        }
        _ => Vec::new(),
    }
}

/// The table at this key, or each one of a list, with its name: `grid`, `predict 2`.
fn inside<'t>(place: &str, table: &'t Table, key: &str) -> Vec<(String, &'t Table)> {
    let name = |number: Option<usize>| {
        let key = if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") };
        number.map_or_else(|| key.clone(), |number| format!("{key} {number}"))
    };
    match table.get(key) {
        Some(Value::Table(table)) => vec![(name(None), table)],
        Some(Value::Array(list)) => {
            let tables = list.iter().enumerate();
            tables.filter_map(|(at, entry)| Some((name(Some(at + 1)), entry.as_table()?))).collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::load::LessonFile;
    use super::*;

    fn lesson() -> String {
        let files = firmware_tests::lesson_files();
        let (_, bytes) = files.into_iter().find(|(path, _)| path == "15-lost-update/lesson.toml").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn said(text: &str) -> Vec<String> {
        let mut findings = Vec::new();
        missing("x/lesson.toml", text, &mut findings);
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn all_that_is_missing_is_told_at_once() {
        let said = said(
            "id = \"L01\"\ntitle = { en = \"x\" }\n[[predict]]\nid = \"a\"\n[[predict]]\noptions = [{ key = \"x\" }]\n[grid]\nseconds = 1\n",
        );
        for name in [
            "slug",
            "title.ja",
            "exercise",
            "predict 1.question",
            "predict 2.id",
            "predict 2.options 1.text",
            "grid.holds",
        ] {
            let expected = format!("x/lesson.toml: `{name}` is missing; docs/authoring.md says what it is");
            assert!(said.contains(&expected), "{name}: {said:#?}");
        }
        assert!(super::tests::said("id = ").is_empty(), "what is no TOML has its own message");
    }

    #[test]
    fn a_complete_lesson_lacks_nothing() {
        assert_eq!(said(&lesson()), Vec::<String>::new());
    }

    /// Takes each key of a lesson away in turn: the list and the reader agree on which may be missing.
    #[test]
    fn the_list_and_the_reader_agree() {
        let full: Table = lesson().parse().unwrap();
        let mut tried = 0;
        let mut try_without = |cut: &Table| {
            tried += 1;
            let text = cut.to_string();
            let reader = toml::from_str::<LessonFile>(&text).err().map(|error| error.message().to_owned());
            let lacks = reader.as_ref().is_some_and(|message| message.contains("missing field"));
            assert_eq!(!said(&text).is_empty(), lacks, "{reader:?} {:?}", said(&text));
        };
        each_cut(&Value::Table(full), &mut |cut| try_without(cut.as_table().unwrap()));
        assert!(tried > 100, "{tried}");
    }

    /// The value without each of the keys in it, one after the other. What is keyed by the lesson's
    /// own names is left as it is.
    fn each_cut(value: &Value, hear: &mut dyn FnMut(Value)) {
        match value {
            Value::Table(table) => {
                for (key, inner) in table {
                    let mut cut = table.clone();
                    cut.remove(key);
                    hear(Value::Table(cut));
                    if key == "set" {
                        continue;
                    }
                    each_cut(inner, &mut |inner| {
                        let mut cut = table.clone();
                        cut.insert(key.clone(), inner);
                        hear(Value::Table(cut));
                    });
                }
            }
            Value::Array(list) => {
                for (at, inner) in list.iter().enumerate().filter(|(_, inner)| inner.is_table()) {
                    each_cut(inner, &mut |inner| {
                        let mut cut = list.clone();
                        cut[at] = inner;
                        hear(Value::Array(cut));
                    });
                }
            }
            _ => {}
        }
    }
}
