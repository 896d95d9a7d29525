//! Where the terms of the course stand in its texts: which lesson is the first to use one, and the
//! mark that explains it there, without a script.

use super::Course;
use super::lesson::Lesson;
use super::markdown::{self, escape};
use super::terms::Term;
use crate::language::Language;

impl Term {
    /// The term in this language.
    #[must_use]
    pub fn name(&self, language: Language) -> &str {
        language.pick(&self.en, &self.ja)
    }

    /// Its place on the page of the glossary, the same in both languages.
    #[must_use]
    pub fn anchor(&self) -> String {
        self.en.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "-")
    }

    /// The first place in this text where the term stands as a word of its own: where it begins and ends.
    pub(super) fn find(&self, text: &str, language: Language) -> Option<(usize, usize)> {
        let name = self.name(language);
        if language == Language::Ja {
            return text.match_indices(name).map(|(at, found)| (at, at + found.len())).find(|(from, to)| {
                let script = |c: Option<char>| c.is_some_and(is_katakana);
                let before = text.get(..*from).and_then(|before| before.chars().next_back());
                let after = text.get(*to..).and_then(|after| after.chars().next());
                !(script(before) && script(name.chars().next()) || script(after) && script(name.chars().next_back()))
            });
        }
        // Folding ASCII only keeps every byte in its place.
        let (folded, name) = (text.to_ascii_lowercase(), name.to_ascii_lowercase());
        folded.match_indices(&name).find_map(|(from, found)| {
            let mut to = from + found.len();
            let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
            let next = |at: usize| folded.get(at..).and_then(|rest| rest.chars().next());
            if next(to) == Some('s') {
                to += 1;
            }
            let before = folded.get(..from).and_then(|before| before.chars().next_back());
            (!letter(before) && !letter(next(to))).then_some((from, to))
        })
    }
}

/// A word of katakana does not end inside a longer one: ハード is not in ハードウェア.
fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30fa}' | 'ー')
}

/// Notes for each term the first lesson that uses it, and marks its first use in each lesson's text.
pub(super) fn mark(course: &mut Course) {
    let Course { lessons, terms, .. } = course;
    for lesson in &mut *lessons {
        for language in Language::ALL {
            let used = mark_lesson(lesson, terms, language);
            for term in used {
                terms[term].first.get_or_insert_with(|| lesson.slug.clone());
            }
        }
    }
}

/// Marks the terms of one text; returns which were there.
fn mark_lesson(lesson: &mut Lesson, terms: &[Term], language: Language) -> Vec<usize> {
    let mut left: Vec<usize> = (0..terms.len()).collect();
    let mut used = Vec::new();
    let sections = match language {
        Language::En => &mut lesson.en,
        Language::Ja => &mut lesson.ja,
    };
    for section in sections {
        section.html = marked(&section.html, terms, language, &mut left, &mut used);
    }
    used
}

/// The HTML with the first use of each of the terms that are left as a button that opens its explanation. What a learner
/// knows before is noted as used, and not marked.
fn marked(html: &str, terms: &[Term], language: Language, left: &mut Vec<usize>, used: &mut Vec<usize>) -> String {
    let mut out = String::with_capacity(html.len() * 2);
    let mut passing: Option<&str> = None;
    let mut rest = html;
    while !rest.is_empty() {
        if let Some(tag) = rest.strip_prefix('<').and_then(|tag| tag.split('>').next()) {
            let name = tag.trim_start_matches('/').split(' ').next().unwrap_or_default();
            if tag.starts_with('/') {
                passing = passing.filter(|passed| *passed != name);
            } else if passing.is_none() && is_passed(tag, name) {
                passing = Some(name);
            }
            let length = (tag.len() + 2).min(rest.len());
            let (whole, behind) = rest.split_at(length);
            out.push_str(whole);
            rest = behind;
            continue;
        }
        let (text, behind) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        rest = behind;
        if passing.is_some() {
            out.push_str(text);
        } else {
            mark_text(text, terms, language, left, used, &mut out);
        }
    }
    out
}

/// Whether nothing is marked inside this element: code, links, headings, listings.
fn is_passed(tag: &str, name: &str) -> bool {
    matches!(name, "a" | "code" | "pre" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
        || (name == "table" && tag.contains("bytecode"))
}

fn mark_text(
    mut text: &str,
    terms: &[Term],
    language: Language,
    left: &mut Vec<usize>,
    used: &mut Vec<usize>,
    out: &mut String,
) {
    // Which terms stand in it at all; behind the first of them there are no others.
    let mut inside: Vec<usize> =
        left.iter().copied().filter(|&term| terms[term].find(text, language).is_some()).collect();
    loop {
        let found = inside.iter().filter_map(|&term| Some((term, terms[term].find(text, language)?)));
        // The first in the text; of two that begin there, the longer one.
        let Some((term, (from, to))) = found.min_by_key(|(_, (from, to))| (*from, usize::MAX - *to)) else {
            break;
        };
        inside.retain(|other| *other != term);
        left.retain(|other| *other != term);
        used.push(term);
        let (before, behind) = text.split_at(from);
        let (word, behind) = behind.split_at(to - from);
        out.push_str(before);
        if terms[term].known {
            out.push_str(word);
        } else {
            out.push_str(&button(&terms[term], word, language));
        }
        text = behind;
    }
    out.push_str(text);
}

/// A word that opens its explanation. `popover` needs no script, opens by mouse, touch and keyboard, and Escape closes it.
fn button(term: &Term, word: &str, language: Language) -> String {
    let (anchor, name) = (term.anchor(), escape(term.name(language)));
    let explained = markdown::inline_html(term.explain.source(language));
    let more = language.pick("Glossary", "用語集");
    format!(
        "<button type=\"button\" class=\"term\" popovertarget=\"term-{anchor}\">{word}</button><span popover class=\"term-note\" \
         id=\"term-{anchor}\"><dfn>{name}</dfn> <span>{explained}</span> <a href=\"/glossary#term-{anchor}\">{more}</a></span>"
    )
}

/// A text without its marks: the words stay, the buttons and notes that explain them go.
#[must_use]
pub fn unmarked(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some((before, marked)) = rest.split_once("<button type=\"button\" class=\"term\"") {
        out.push_str(before);
        let Some((word, behind)) = marked.split_once('>').and_then(|(_, word)| word.split_once("</button>")) else {
            return out;
        };
        out.push_str(word);
        rest = behind.split_once("</a></span>").map_or(behind, |(_, behind)| behind);
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::Text;

    fn term(en: &str, ja: &str) -> Term {
        Term {
            en: en.to_owned(),
            ja: ja.to_owned(),
            explain: Text { en: "it *is*".to_owned(), ja: "説明".to_owned() },
            known: false,
            avoid_en: Vec::new(),
            avoid_ja: Vec::new(),
            first: None,
        }
    }

    fn shown(html: &str, language: Language) -> String {
        let terms = [term("hard", "ハード"), term("torn read", "不整合な読み取り"), term("read", "読み取り")];
        marked(html, &terms, language, &mut vec![0, 1, 2], &mut Vec::new())
    }

    /// The words that are marked.
    fn words(html: &str) -> Vec<&str> {
        let buttons = html.split("<button").skip(1);
        buttons.filter_map(|rest| rest.split_once('>')?.1.split_once('<')).map(|(word, _)| word).collect()
    }

    #[test]
    fn the_first_use_is_marked_and_no_other() {
        let html = shown("<p>Hard or not, a torn read; two reads. Hard.</p>", Language::En);
        assert_eq!(words(&html), ["Hard", "torn read", "reads"]);
        assert!(html.contains("popovertarget=\"term-torn-read\">torn read</button>"), "{html}");
        assert!(html.contains("<span>it <em>is</em></span>"), "{html}");
        assert!(html.ends_with(". Hard.</p>"), "{html}");
    }

    #[test]
    fn code_links_and_other_words_are_left_alone() {
        let source = "<p><code>hard</code> <a href=\"/x\">hard</a> hardware harder</p><h3>hard</h3>";
        assert_eq!(shown(source, Language::En), source);
        let source = "<p>ハードウェアの読み取りです。</p>";
        assert_eq!(words(&shown(source, Language::Ja)), ["読み取り"]);
        assert_eq!(words(&shown("<p>ハードの不整合な読み取り</p>", Language::Ja)), ["ハード", "不整合な読み取り"]);
    }

    #[test]
    fn every_term_of_the_course_knows_where_it_appears() {
        let mut course = Course::ours();
        mark(&mut course);
        let lost = course.terms.iter().filter(|term| term.first.is_none() && !term.known);
        let lost: Vec<_> = lost.map(|term| &term.en).collect();
        assert!(lost.is_empty(), "no lesson uses {lost:?}");
        for lesson in &course.lessons {
            for language in Language::ALL {
                let html: String = lesson.sections(language).iter().map(|section| section.html.as_str()).collect();
                assert!(html.contains("class=\"term\""), "{} {language:?}: no term is explained", lesson.id);
            }
        }
    }

    proptest! {
        #[test]
        fn marking_keeps_every_word(text in "([a-z &;<>/]|hard|read|torn read|<p>|</p>|<code>|ハード|読み取り|ー){0,30}") {
            for language in Language::ALL {
                let html = shown(&text, language);
                prop_assert_eq!(unmarked(&html), text.clone());
            }
        }
    }
}
