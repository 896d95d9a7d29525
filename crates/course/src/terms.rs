//! The words of the course: one list of terms in both languages, and the checks that hold the
//! texts to it. A glossary shows the same list.

use serde::{Deserialize, Serialize};

use super::Course;
use super::glossary::Beginnings;
use super::lesson::Lesson;
use super::load::Finding;
use super::text::Text;
use crate::language::Language;

/// A technical term, the same in every text.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// The English term.
    pub en: String,
    /// The Japanese term.
    pub ja: String,
    /// What it means, for the glossary and for tooltips.
    pub explain: Text,
    /// Whoever comes to the course knows it; else the first lesson that uses it has to explain it.
    #[serde(default)]
    pub known: bool,
    /// English variants that the texts must not use.
    #[serde(default)]
    pub avoid_en: Vec<String>,
    /// Japanese variants that the texts must not use.
    #[serde(default)]
    pub avoid_ja: Vec<String>,
    /// The slug of the first lesson that uses it.
    #[serde(skip)]
    pub first: Option<String>,
}

/// Sentences of an English text have at most so many words on average.
const WORDS_PER_SENTENCE: usize = 20;

/// Checks one file of the course against the terms. Code is never looked at.
#[must_use]
pub fn check(path: &str, text: &str, terms: &[Term]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |line: usize, message: String| {
        let place = if line == 0 { String::new() } else { format!("line {line}") };
        findings.push(Finding { file: path.to_owned(), place, message });
    };
    if path == "terms.toml" {
        return findings;
    }
    let (en, ja) = if path.ends_with("en.md") {
        (prose(text), Vec::new())
    } else if path.ends_with("ja.md") {
        (Vec::new(), prose(text))
    } else if path.ends_with(".toml") {
        (values(text, "en"), values(text, "ja"))
    } else {
        return findings;
    };
    for (line, said) in &en {
        for term in terms {
            // Where a variant is not said at all, there is nothing to be taken out.
            let avoided = term.avoid_en.iter().filter(|avoided| said.contains(avoided.as_str()));
            for avoided in avoided.filter(|avoided| has_word(&said.replace(&term.en, " "), avoided)) {
                report(*line, format!("says `{avoided}`; the term is `{}`", term.en));
            }
        }
    }
    for (line, said) in &ja {
        for term in terms {
            let avoided = term.avoid_ja.iter().filter(|avoided| said.contains(avoided.as_str()));
            for avoided in avoided.filter(|avoided| said.replace(&term.ja, " ").contains(avoided.as_str())) {
                report(*line, format!("says `{avoided}`; the term is `{}`", term.ja));
            }
        }
    }
    if path.ends_with("en.md") {
        let (words, sentences) = length(&en);
        if words > sentences * WORDS_PER_SENTENCE {
            report(0, format!("{words} words in {sentences} sentences; {WORDS_PER_SENTENCE} a sentence are enough"));
        }
    }
    findings
}

/// Finds each term that a lesson uses before one has explained it, in emphasis, in either language.
pub(super) fn explained(course: &Course) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (language, file) in [(Language::En, "en.md"), (Language::Ja, "ja.md")] {
        let beginnings = Beginnings::new(&course.terms, language);
        // The first lesson that says each term, and whether it explains it.
        let mut first: Vec<Option<(&Lesson, bool)>> = vec![None; course.terms.len()];
        for lesson in &course.lessons {
            let html: String = lesson.sections(language).iter().map(|section| section.html.as_str()).collect();
            let said = beginnings.found_in(&without_elements(&html, "code"));
            let emphasised: Vec<_> = elements(&html, "em").map(|text| beginnings.found_in(text)).collect();
            for (term, first) in first.iter_mut().enumerate().filter(|(term, _)| said[*term]) {
                first.get_or_insert_with(|| (lesson, emphasised.iter().any(|found| found[term])));
            }
        }
        for (term, first) in course.terms.iter().zip(first).filter(|(term, _)| !term.known) {
            if let Some((lesson, false)) = first {
                let name = term.name(language);
                findings.push(Finding {
                    file: format!("{}/{file}", lesson.folder()),
                    place: String::new(),
                    message: format!("is the first to say `{name}`; explain it there, in emphasis"),
                });
            }
        }
    }
    findings
}

/// What stands in the elements of this name.
fn elements<'t>(html: &'t str, name: &str) -> impl Iterator<Item = &'t str> {
    let (opening, closing) = (format!("<{name}>"), format!("</{name}>"));
    let pieces: Vec<&str> = html.split(opening.as_str()).skip(1).collect();
    pieces.into_iter().filter_map(move |piece| piece.split(closing.as_str()).next())
}

/// The text without the elements of this name.
fn without_elements(html: &str, name: &str) -> String {
    let (opening, closing) = (format!("<{name}>"), format!("</{name}>"));
    html.split(opening.as_str())
        .enumerate()
        .map(|(at, piece)| match at {
            0 => piece,
            _ => piece.split_once(closing.as_str()).map_or("", |(_, rest)| rest),
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The lines of a text outside code blocks, without inline code, each with its number.
fn prose(text: &str) -> Vec<(usize, String)> {
    let mut fenced = false;
    text.lines()
        .enumerate()
        .filter_map(|(at, line)| {
            let fence = line.starts_with("```");
            fenced ^= fence;
            (!fenced && !fence && !line.is_empty()).then(|| (at + 1, without_code(line)))
        })
        .collect()
}

/// The strings of one language in a TOML file, each with its line.
fn values(text: &str, key: &str) -> Vec<(usize, String)> {
    let opening = format!("{key} = \"");
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        for after in line.split(&opening).skip(1) {
            let mut escaped = false;
            let value = after.chars().take_while(|&c| {
                let ends = c == '"' && !escaped;
                escaped = c == '\\' && !escaped;
                !ends
            });
            found.push((at + 1, without_code(&value.collect::<String>())));
        }
    }
    found
}

fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join(" ` ")
}

fn has_word(text: &str, word: &str) -> bool {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    text.match_indices(word).any(|(at, _)| {
        let behind = text.get(at + word.len()..).and_then(|rest| rest.chars().next());
        let before = text.get(..at).and_then(|rest| rest.chars().next_back());
        !letter(before) && !letter(behind)
    })
}

/// Words and sentences. A list item or a heading is a sentence of its own.
fn length(lines: &[(usize, String)]) -> (usize, usize) {
    let mut words = 0;
    let mut sentences = 0;
    for (_, line) in lines {
        for sentence in line.split_inclusive(['.', '?', '!']) {
            let count = sentence.split_whitespace().filter(|word| word.contains(char::is_alphanumeric)).count();
            words += count;
            sentences += usize::from(count > 0);
        }
    }
    (words, sentences)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn terms() -> Vec<Term> {
        vec![Term {
            en: "critical section".to_owned(),
            ja: "クリティカルセクション".to_owned(),
            explain: Text { en: "x".to_owned(), ja: "x".to_owned() },
            known: false,
            avoid_en: vec!["critical region".to_owned()],
            avoid_ja: vec!["区間".to_owned(), "セクション".to_owned()],
            first: None,
        }]
    }

    fn messages(path: &str, text: &str) -> Vec<String> {
        check(path, text, &terms()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_variant_of_a_term_is_reported_with_its_line() {
        assert_eq!(
            messages("01-x/ja.md", "## about: 題\nクリティカルセクションの中。\n区間の外。\n"),
            ["01-x/ja.md, line 3: says `区間`; the term is `クリティカルセクション`"]
        );
        assert_eq!(
            messages("01-x/lesson.toml", "t = { en = \"a \\\"critical region\\\" here\", ja = \"このセクション\" }\n"),
            [
                "01-x/lesson.toml, line 1: says `critical region`; the term is `critical section`",
                "01-x/lesson.toml, line 1: says `セクション`; the term is `クリティカルセクション`",
            ]
        );
    }

    #[test]
    fn code_and_words_that_only_contain_a_variant_are_let_be() {
        assert!(messages("01-x/ja.md", "`区間` です。\n```python\n区間\n```\n").is_empty());
        assert!(messages("01-x/en.md", "The uncritical regions.\n").is_empty());
    }

    #[test]
    fn long_sentences_are_counted_on_average() {
        let long = "word ".repeat(41);
        assert_eq!(
            messages("01-x/en.md", &format!("{long}.\nTwo words.\n")),
            ["01-x/en.md: 43 words in 2 sentences; 20 a sentence are enough"]
        );
        assert!(messages("01-x/en.md", &format!("{long}.\nA. B. C.\n")).is_empty());
    }

    #[test]
    fn a_term_is_explained_where_it_is_first_used() {
        let mut course = Course::ours();
        assert_eq!(explained(&course), []);
        course.terms[0].en = "histogram".to_owned();
        course.terms[0].ja = "ヒストグラム".to_owned();
        let found: Vec<_> = explained(&course).iter().map(ToString::to_string).collect();
        assert_eq!(
            found,
            [
                "02-how-late/en.md: is the first to say `histogram`; explain it there, in emphasis",
                "02-how-late/ja.md: is the first to say `ヒストグラム`; explain it there, in emphasis"
            ]
        );
        assert_eq!(without_elements("a <code>b</code> c", "code"), "a   c");
    }

    proptest! {
        #[test]
        fn any_text_can_be_checked(text in "[a-z`\"\\\\= 区間#\n]{0,80}") {
            for path in ["a/en.md", "a/ja.md", "a/lesson.toml"] {
                for finding in check(path, &text, &terms()) {
                    prop_assert!(text.contains("区間"), "{}", finding);
                }
            }
        }
    }
}
