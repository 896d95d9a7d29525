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

    /// Where the term ends, if it begins at this place of the text and stands there as a word of its own.
    fn stands_at(&self, from: usize, text: &str, language: Language) -> Option<usize> {
        let name = self.name(language);
        let mut to = from + name.len();
        let found = text.as_bytes().get(from..to)?;
        let next = |at: usize| text.get(at..).and_then(|rest| rest.chars().next());
        let before = || text.get(..from).and_then(|before| before.chars().next_back());
        if language == Language::Ja {
            let script = |c: Option<char>| c.is_some_and(is_katakana);
            return (found == name.as_bytes()
                && !(script(before()) && script(name.chars().next()))
                && !(script(next(to)) && script(name.chars().next_back())))
            .then_some(to);
        }
        if !found.eq_ignore_ascii_case(name.as_bytes()) {
            return None;
        }
        let letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        if matches!(next(to), Some('s' | 'S')) {
            to += 1;
        }
        (!letter(before()) && !letter(next(to))).then_some(to)
    }
}

/// Terms by the character that they begin with, so that a text is gone through once for all of them.
pub(super) struct Beginnings<'t> {
    terms: &'t [Term],
    language: Language,
    /// Which terms begin with a character whose folded number has this remainder.
    by_character: Vec<Vec<usize>>,
}

impl<'t> Beginnings<'t> {
    const REMAINDERS: usize = 256;

    pub(super) fn new(terms: &'t [Term], language: Language) -> Self {
        let mut by_character = vec![Vec::new(); Self::REMAINDERS];
        for (number, term) in terms.iter().enumerate() {
            if let Some(first) = term.name(language).chars().next() {
                by_character[Self::remainder(first)].push(number);
            }
        }
        Self { terms, language, by_character }
    }

    fn remainder(c: char) -> usize {
        c.to_ascii_lowercase() as usize % Self::REMAINDERS
    }

    /// For each term, whether it stands in the text.
    pub(super) fn found_in(&self, text: &str) -> Vec<bool> {
        let mut found = vec![false; self.terms.len()];
        for (from, c) in text.char_indices() {
            for &term in &self.by_character[Self::remainder(c)] {
                found[term] = found[term] || self.terms[term].stands_at(from, text, self.language).is_some();
            }
        }
        found
    }

    /// The term that begins at this place, one of those that are `left`, and where it ends: of several the longest.
    fn at(&self, from: usize, c: char, text: &str, left: &[bool]) -> Option<(usize, usize)> {
        let here = self.by_character[Self::remainder(c)].iter().filter(|&&term| left[term]);
        here.filter_map(|&term| Some((term, self.terms[term].stands_at(from, text, self.language)?)))
            .reduce(|longest, other| if other.1 > longest.1 { other } else { longest })
    }
}

/// A word of katakana does not end inside a longer one: ハード is not in ハードウェア.
fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30fa}' | 'ー')
}

/// Notes for each term the first lesson that uses it, and marks its first use in each lesson's text.
pub(super) fn mark(course: &mut Course) {
    let Course { lessons, terms, .. } = course;
    let mut first: Vec<Option<String>> = vec![None; terms.len()];
    let beginnings = Language::ALL.map(|language| Beginnings::new(terms, language));
    for lesson in &mut *lessons {
        for beginnings in &beginnings {
            for term in mark_lesson(lesson, beginnings) {
                first[term].get_or_insert_with(|| lesson.slug.clone());
            }
        }
    }
    for (term, first) in terms.iter_mut().zip(first) {
        term.first = first;
    }
}

/// Marks the terms of one text; returns which were there.
fn mark_lesson(lesson: &mut Lesson, beginnings: &Beginnings<'_>) -> Vec<usize> {
    let mut left = vec![true; beginnings.terms.len()];
    let mut used = Vec::new();
    let sections = match beginnings.language {
        Language::En => &mut lesson.en,
        Language::Ja => &mut lesson.ja,
    };
    for section in sections {
        section.html = marked(&section.html, beginnings, &mut left, &mut used);
    }
    used
}

/// The HTML with the first use of each of the terms that are left as a button that opens its explanation. What a learner
/// knows before is noted as used, and not marked.
fn marked(html: &str, beginnings: &Beginnings<'_>, left: &mut [bool], used: &mut Vec<usize>) -> String {
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
            mark_text(text, beginnings, left, used, &mut out);
        }
    }
    out
}

/// Whether nothing is marked inside this element: code, links, headings, listings.
fn is_passed(tag: &str, name: &str) -> bool {
    matches!(name, "a" | "code" | "pre" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6")
        || (name == "table" && tag.contains("bytecode"))
}

fn mark_text(text: &str, beginnings: &Beginnings<'_>, left: &mut [bool], used: &mut Vec<usize>, out: &mut String) {
    // Up to where the text is written.
    let mut written = 0;
    for (from, c) in text.char_indices() {
        if from < written {
            continue;
        }
        let Some((term, to)) = beginnings.at(from, c, text, left) else { continue };
        left[term] = false;
        used.push(term);
        let (term, word) = (&beginnings.terms[term], &text[from..to]);
        out.push_str(&text[written..from]);
        if term.known {
            out.push_str(word);
        } else {
            out.push_str(&button(term, word, beginnings.language));
        }
        written = to;
    }
    out.push_str(&text[written..]);
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
        marked(html, &Beginnings::new(&terms, language), &mut [true; 3], &mut Vec::new())
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

    /// What is marked in a text, told term by term: of the first uses of all terms the first, and so on behind it.
    fn told_by_term(text: &str, terms: &[Term], language: Language) -> Vec<String> {
        let mut left: Vec<&Term> = terms.iter().collect();
        let (mut found, mut behind) = (Vec::new(), 0);
        loop {
            let uses = |term: &&Term| {
                let places = text.char_indices().map(|(from, _)| from).filter(|&from| from >= behind);
                places.filter_map(|from| Some((from, term.stands_at(from, text, language)?))).next()
            };
            let first = left.iter().enumerate().filter_map(|(at, term)| Some((uses(term)?, at)));
            let Some(((from, to), at)) = first.min_by_key(|((from, to), _)| (*from, usize::MAX - *to)) else {
                return found;
            };
            left.remove(at);
            found.push(text[from..to].to_owned());
            behind = to;
        }
    }

    proptest! {
        #[test]
        fn one_look_at_a_text_finds_what_a_look_for_each_term_finds(text in "([A-z ]|hard|reads?|torn read|ハード|読み取り|不整合な|ー){0,20}") {
            let terms = [term("hard", "ハード"), term("torn read", "不整合な読み取り"), term("read", "読み取り")];
            for language in Language::ALL {
                let marked = shown(&text, language);
                prop_assert_eq!(words(&marked), told_by_term(&text, &terms, language));
            }
        }

        #[test]
        fn marking_keeps_every_word(text in "([a-z &;<>/]|hard|read|torn read|<p>|</p>|<code>|ハード|読み取り|ー){0,30}") {
            for language in Language::ALL {
                let html = shown(&text, language);
                prop_assert_eq!(unmarked(&html), text.clone());
            }
        }
    }
}
