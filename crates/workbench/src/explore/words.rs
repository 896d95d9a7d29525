//! One arrival in a sentence or two, in both languages.

use std::fmt::Write as _;

use explorer::outcome::Verdict;
use explorer::story::{Callback, Side};
use serde_json::{Map, Value};

use super::report::Bytecode;
use super::told::ToldStep;
use course::Text;

/// As many steps are listed where no shorter story fits.
const MOST_STEPS: usize = 8;

/// Adds a sentence. Names and code stand between backticks.
fn push(text: &mut Text, en: impl AsRef<str>, ja: impl AsRef<str>) {
    if !text.en.is_empty() {
        text.en.push(' ');
    }
    text.en.push_str(en.as_ref());
    text.ja.push_str(ja.as_ref());
}

/// What is known of an arrival.
pub(super) struct Told<'a> {
    pub(super) steps: Vec<ToldStep>,
    pub(super) callbacks: &'a [Callback],
    pub(super) verdict: Verdict,
    /// What the program reported.
    pub(super) values: &'a Map<String, Value>,
    pub(super) invariant: &'a str,
    /// What shared variables hold where nothing is lost.
    pub(super) expected: &'a Map<String, Value>,
    pub(super) console: &'a str,
    /// The bytecode in progress where the interrupt arrives.
    pub(super) place: Option<Bytecode>,
    /// Whether the callback has returned before the window's end.
    pub(super) finished: bool,
}

/// Says what happened.
pub(super) fn sentence(told: &Told<'_>) -> Text {
    let mut sentence = Text { en: String::new(), ja: String::new() };
    match told.verdict {
        Verdict::Kept => kept(told, &mut sentence),
        Verdict::Lost => lost(told, &mut sentence),
        _ => broken(told, &mut sentence),
    }
    sentence
}

fn arrival(told: &Told<'_>, sentence: &mut Text) {
    let Some(place) = &told.place else {
        push(sentence, "The interrupt comes.", "割り込みが来ます。");
        return;
    };
    let bytecode = format!("{} {}", place.opcode, place.argument);
    let (bytecode, line) = (bytecode.trim_end(), place.line);
    let (en, ja) = where_lines(place.text, line);
    push(
        sentence,
        format!("The interrupt comes {en}, during `{bytecode}`."),
        format!("{ja}、`{bytecode}` の途中で割り込みが来ます。"),
    );
}

/// A line of the program, or of the driver around it, in words.
fn where_lines(text: &str, line: u32) -> (String, String) {
    match text {
        "driver" => (format!("in line {line} of the explorer's driver"), format!("呼び出し側の {line} 行目")),
        _ => (format!("in line {line}"), format!("{line} 行目")),
    }
}

fn who(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Main => ("main", "メイン"),
        Side::Hard | Side::Soft => ("the callback", "コールバック"),
        Side::Scheduled => ("the queued function", "スケジュールされた関数"),
    }
}

fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(char::to_uppercase).into_iter().flatten().chain(characters).collect()
}

/// A variable that one side read, the other wrote, and the first overwrote with what it had made of
/// the old value.
struct Overwritten<'a> {
    read: &'a ToldStep,
    between: &'a ToldStep,
    write: &'a ToldStep,
}

fn overwritten(steps: &[ToldStep]) -> Option<Overwritten<'_>> {
    let writes = |step: &ToldStep| step.does == "writes";
    for (at, between) in steps.iter().enumerate().filter(|(_, step)| writes(step)) {
        let of_other = |step: &&ToldStep| step.name == between.name && step.side != between.side;
        let Some(read) = steps[..at].iter().rev().find(of_other).filter(|step| !writes(step)) else { continue };
        let Some(write) = steps[at + 1..].iter().find(of_other).filter(|step| writes(step)) else { continue };
        // The last value that the other side left there is the one that is overwritten.
        let last = steps[at..].iter().take_while(|step| !std::ptr::eq(*step, write));
        let between = last.filter(|step| writes(step) && step.name == between.name).last().unwrap_or(between);
        return Some(Overwritten { read, between, write });
    }
    None
}

fn lost(told: &Told<'_>, sentence: &mut Text) {
    let Some(Overwritten { read, between, write }) = overwritten(&told.steps) else {
        arrival(told, sentence);
        in_order(told, sentence);
        return;
    };
    let name = &read.name;
    let ((reader, reader_ja), (other, other_ja)) = (who(read.side), who(between.side));
    let (read_at, read_at_ja) = where_lines(read.text, read.line);
    push(
        sentence,
        format!("{} has read `{name}` = {} {read_at}.", capital(reader), read.value),
        format!("{reader_ja}は{read_at_ja}で `{name}` = {} を読みました。", read.value),
    );
    arrival(told, sentence);
    let soft = told.callbacks.iter().any(|callback| callback.side == Side::Soft);
    let ((wait, wait_ja), line) =
        (if soft { (" at the next safe point", "次の安全点で") } else { ("", "") }, between.line);
    push(
        sentence,
        format!("{} makes it {}{wait} (line {line}).", capital(other), between.value),
        format!("{other_ja}が{wait_ja} {} にします（{line} 行目）。", between.value),
    );
    let (write_at, write_at_ja) = where_lines(write.text, write.line);
    push(
        sentence,
        format!("Then {reader} writes its own {} over it {write_at}.", write.value),
        format!("その後{reader_ja}が{write_at_ja}で自分の {} を上書きします。", write.value),
    );
    if let Some(Value::String(expected)) = told.expected.get(name).filter(|expected| **expected != *write.value) {
        push(sentence, format!("`{name}` should be {expected}."), format!("`{name}` は {expected} になるはずでした。"));
    }
    not_holding(told, sentence);
}

/// The steps one after the other.
fn in_order(told: &Told<'_>, sentence: &mut Text) {
    if told.steps.is_empty() {
        not_holding(told, sentence);
        return;
    }
    let (mut en, mut ja) = (String::new(), String::new());
    for step in told.steps.iter().take(MOST_STEPS) {
        let ((who, who_ja), ToldStep { does, name, value, line, .. }) = (who(step.side), step);
        let separator = if en.is_empty() { "In this order: " } else { "; " };
        let does_ja = if *does == "writes" { "書く" } else { "読む" };
        let _ = write!(en, "{separator}{who} {does} `{name}` = {value} (line {line})");
        let separator = if ja.is_empty() { "順に: " } else { "、" };
        let _ = write!(ja, "{separator}{who_ja}が `{name}` = {value} を{does_ja}（{line} 行目）");
    }
    let more = told.steps.len() > MOST_STEPS;
    push(sentence, en + if more { "; and so on." } else { "." }, ja + if more { "、…。" } else { "。" });
    not_holding(told, sentence);
}

/// The invariant and the values that it does not hold for.
fn not_holding(told: &Told<'_>, sentence: &mut Text) {
    let values: Vec<_> = told.values.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let (values, invariant) = (values.join(", "), told.invariant);
    push(
        sentence,
        format!("In the end {values}: `{invariant}` does not hold."),
        format!("最後は {values} で、`{invariant}` が成り立ちません。"),
    );
}

fn kept(told: &Told<'_>, sentence: &mut Text) {
    arrival(told, sentence);
    let touched = told.steps.iter().any(|step| step.side != Side::Main);
    match (touched, told.finished) {
        (_, false) => push(
            sentence,
            "The callback runs only after the statement. Nothing is lost.",
            "コールバックが動くのは文の後です。何も失われません。",
        ),
        (true, _) => {
            let main_read = told.steps.iter().position(|step| step.side == Side::Main);
            let callback = told.steps.iter().position(|step| step.side != Side::Main);
            match main_read < callback && main_read.is_some() {
                true => push(
                    sentence,
                    "The callback runs when main is done with the shared variables. Nothing is lost.",
                    "メインが共有変数を使い終えてからコールバックが動きます。何も失われません。",
                ),
                false => push(
                    sentence,
                    "The callback runs before main touches the shared variables. Nothing is lost.",
                    "メインが共有変数に触れる前にコールバックが動きます。何も失われません。",
                ),
            }
        }
        (false, true) => push(
            sentence,
            "The callback and main share no variable that one of them writes. Nothing is lost.",
            "コールバックとメインの間に、どちらかが書き込む共有変数はありません。何も失われません。",
        ),
    }
}

fn broken(told: &Told<'_>, sentence: &mut Text) {
    arrival(told, sentence);
    let last = told.console.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
    match told.verdict {
        Verdict::Endless => {
            push(
                sentence,
                "After that the program never comes to its end.",
                "その後、プログラムは終わりに達しません。",
            );
        }
        Verdict::Reset => push(sentence, "After that the chip resets itself.", "その後、チップがリセットします。"),
        Verdict::LockedUp => {
            push(sentence, "After that the processor locks up.", "その後、プロセッサが停止します。");
        }
        _ => push(sentence, "After that the program ends early.", "その後、プログラムが途中で終わります。"),
    }
    if !last.is_empty() {
        push(sentence, format!("The console says: `{last}`."), format!("コンソールの表示: `{last}`"));
    }
}
