//! How long the sentences of the Japanese texts are, by MeCab, and words that are written in two
//! ways. Japanese has no spaces, so nothing but a morphological analyser can count its words.
//!
//! A command of its own and no part of `check`: it needs Debian's `mecab` and its dictionary, and
//! texts change less often than code. What it found last stands in `docs/japanese.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::{Code, Failure, Result, file_access};
use crate::process::{output, which};
use crate::workspace::{Workspace, create_dir, read, write_if_changed};

/// A text's sentences have at most so many morphemes on average, marks not counted.
const AVERAGE: f64 = 18.0;
/// No sentence has more.
const LONGEST: usize = 34;
/// What stands in the place of code, which is one word to the reader.
const CODE: &str = "コード";

/// What was counted in one text.
#[derive(Debug, PartialEq)]
struct Counted {
    sentences: usize,
    average: f64,
    longest: usize,
    sentence: String,
}

/// Counts every Japanese text and writes the page about it.
///
/// # Errors
/// MeCab is missing; a sentence or an average is too long; a word is written in two ways.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    if which("mecab").is_none() {
        return Err(Failure::new(
            Code::ToolMissing,
            "mecab is not installed; it divides Japanese into words.",
            "Install the packages mecab and mecab-ipadic-utf8.",
        ));
    }
    let lessons = workspace.root().join("lessons");
    let mut counted = BTreeMap::new();
    let mut all = String::new();
    for path in texts(&lessons)? {
        let text = String::from_utf8_lossy(&read(&path)?).into_owned();
        let sentences = sentences(&text);
        all.push_str(&sentences.join(""));
        let name = path.strip_prefix(&lessons).unwrap_or(&path).display().to_string();
        counted.insert(name, count(workspace, &sentences)?);
    }
    let twice = written_twice(&all);
    write_if_changed(&workspace.root().join("docs/japanese.md"), page(&counted).as_bytes())?;
    let mut findings: Vec<String> = Vec::new();
    for (name, text) in &counted {
        if text.average > AVERAGE {
            findings.push(format!("{name}: {:.1} words a sentence on average; {AVERAGE} are enough", text.average));
        }
        if text.longest > LONGEST {
            findings.push(format!("{name}: a sentence of {} words: {}", text.longest, text.sentence));
        }
    }
    findings.extend(twice.into_iter().map(|(one, other)| format!("{one} and {other} are the same word; choose one")));
    if findings.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        Code::Untidy,
        format!("the Japanese texts have {} finding(s):\n{}", findings.len(), findings.join("\n")),
        "Mend the sentences and run the command again.",
    ))
}

/// The Japanese texts, in their order.
fn texts(lessons: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(lessons).map_err(|error| file_access(lessons, &error))?;
    let mut found: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .map(|path| if path.is_dir() { path.join("ja.md") } else { path })
        .filter(|path| path.is_file() && path.to_string_lossy().ends_with("ja.md"))
        .collect();
    found.sort();
    Ok(found)
}

/// The sentences of a text: no code, no headings, no tables; what does not end like a sentence is none.
fn sentences(text: &str) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        let fence = line.starts_with("```");
        fenced ^= fence;
        if fenced || fence || line.starts_with('#') || line.starts_with('|') {
            continue;
        }
        let plain = plain(line);
        found.extend(
            plain
                .split_inclusive(['。', '？'])
                .filter(|part| part.ends_with(['。', '？']))
                .map(|part| part.trim().to_owned()),
        );
    }
    found
}

/// A line without its marks: code is one word, a link is its words.
fn plain(line: &str) -> String {
    let line = line.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | ' '));
    let code: Vec<&str> = line.split('`').enumerate().map(|(at, part)| if at % 2 == 1 { CODE } else { part }).collect();
    let mut rest = code.join("");
    let mut plain = String::new();
    while let Some((before, link)) = rest.split_once("](") {
        plain.push_str(before);
        rest = link.split_once(')').map_or_else(String::new, |(_, behind)| behind.to_owned());
    }
    plain.push_str(&rest);
    plain.replace(['*', '['], "")
}

fn count(workspace: &Workspace, sentences: &[String]) -> Result<Counted> {
    let folder = workspace.cache();
    create_dir(&folder)?;
    let input = folder.join("japanese.txt");
    write_if_changed(&input, sentences.join("\n").as_bytes())?;
    // One line for each sentence, one mark for each morpheme that is no punctuation (記号).
    let divided = output(Command::new("mecab").args(["-F%f[0] ", "-U%f[0] ", "-E\n"]).arg(&input))?;
    let words = |line: &str| line.split_whitespace().filter(|class| *class != "記号").count();
    let counts: Vec<usize> = divided.lines().map(words).collect();
    let longest = counts.iter().enumerate().max_by_key(|(_, count)| **count);
    Ok(Counted {
        sentences: counts.len(),
        average: counts.iter().sum::<usize>() as f64 / counts.len().max(1) as f64,
        longest: longest.map_or(0, |(_, count)| *count),
        sentence: longest.and_then(|(at, _)| sentences.get(at)).cloned().unwrap_or_default(),
    })
}

/// Words of katakana that stand there with and without the long mark at their end: タイマ, タイマー.
fn written_twice(text: &str) -> Vec<(String, String)> {
    let katakana = |c: char| matches!(c, '\u{30a1}'..='\u{30fa}' | 'ー');
    let words: BTreeSet<&str> = text.split(|c| !katakana(c)).filter(|word| word.chars().count() > 2).collect();
    let long = words.iter().filter_map(|word| Some((word.strip_suffix('ー')?, *word)));
    long.filter(|(short, _)| words.contains(short)).map(|(short, long)| (short.to_owned(), long.to_owned())).collect()
}

fn page(counted: &BTreeMap<String, Counted>) -> String {
    let mut page = format!(
        "# The Japanese texts, counted\n\nWritten by `cargo xtask japanese`, which divides the sentences into words with MeCab (a piece of code is one word). At most\n\
         {AVERAGE} words on average in a text, at most {LONGEST} in a sentence, and no word of katakana with and without a long mark at its end.\n\n\
         | text | sentences | words a sentence | longest |\n|---|---|---|---|\n"
    );
    for (name, text) in counted {
        // A string takes everything that is written to it.
        _ = writeln!(page, "| {name} | {} | {:.1} | {} |", text.sentences, text.average, text.longest);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_found_between_marks_and_code() {
        let text = "## about: 題名。\n*割り込み*は `a. b` です。[L01](/lessons/x。y) を見ます？\n```python\n嘘。\n```\n- 一つ。\n| 表。 |\n終わりなし";
        assert_eq!(sentences(text), ["割り込みは コード です。", "L01 を見ます？", "一つ。"]);
    }

    #[test]
    fn one_word_in_two_forms_is_found() {
        assert_eq!(written_twice("タイマとタイマーとメーターとバー"), [("タイマ".to_owned(), "タイマー".to_owned())]);
    }
}
