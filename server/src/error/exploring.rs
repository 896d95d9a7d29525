//! Why nothing was explored, in the visitor's words.

use axum::http::StatusCode;
use explorer::window::{End, Refusal};

use crate::language::Language;
use crate::run::explore::ExploreError;

/// Why nothing was explored. Limits and tracebacks are kept as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotExplored {
    /// The lesson has no window.
    NoWindow,
    /// The program failed before its window, with this report.
    Program(String),
    /// It did not open the window; the console said this.
    NoMark(String),
    /// The window is longer than so many instructions.
    TooLong(u32),
    /// Without any interrupt the window does not end.
    NeverEnds(End),
    /// All arrivals together run longer than so many million instructions.
    TooMuch(u64),
    /// So many pairs would have to be tried one by one; the limit.
    TooManyPairs(u64, u64),
    /// There is no arrival of this number; this is the last one.
    NoArrival(u32),
    /// A newer one took its place, or the visitor cancelled it.
    GivenUp,
}

impl NotExplored {
    /// What a visitor can do something about; `None`: nothing, the workbench is at fault.
    pub(crate) fn of(error: &ExploreError) -> Option<Self> {
        Some(match error {
            ExploreError::NoWindow(_) => Self::NoWindow,
            ExploreError::Program { report, .. } => Self::Program(report.trim_start_matches([':', '\n']).to_owned()),
            ExploreError::Refused(Refusal::NoBegin { console, .. }) => {
                Self::NoMark(console.trim_start_matches([':', '\n']).to_owned())
            }
            ExploreError::Refused(Refusal::TooLong { limit }) => Self::TooLong(*limit),
            ExploreError::Refused(Refusal::NeverEnds { end, .. }) => Self::NeverEnds(*end),
            ExploreError::TooMuch { limit, .. } => Self::TooMuch(*limit),
            ExploreError::TooManyPairs { pairs, limit } => Self::TooManyPairs(*pairs, *limit),
            ExploreError::NoArrival { last } => Self::NoArrival(*last),
            ExploreError::Cancelled => Self::GivenUp,
            ExploreError::Line(_)
            | ExploreError::Setting(_)
            | ExploreError::Source { .. }
            | ExploreError::Refused(Refusal::Symbol(_)) => return None,
        })
    }

    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::NoWindow => StatusCode::NOT_FOUND,
            Self::GivenUp => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::NoWindow => "explore-no-window",
            Self::Program(_) => "explore-program-failed",
            Self::NoMark(_) => "explore-no-mark",
            Self::TooLong(_) => "explore-window-too-long",
            Self::NeverEnds(_) => "explore-window-never-ends",
            Self::TooMuch(_) => "explore-too-much",
            Self::TooManyPairs(..) => "explore-too-many-pairs",
            Self::NoArrival(_) => "explore-no-arrival",
            Self::GivenUp => "explore-given-up",
        }
    }

    pub(crate) fn words(&self, language: Language) -> (String, &'static str) {
        match language {
            Language::En => self.english(),
            Language::Ja => self.japanese(),
        }
    }

    fn english(&self) -> (String, &'static str) {
        match self {
            Self::NoWindow => ("This lesson has nothing to explore.".into(), "Open Lost update or Lost bytes."),
            Self::Program(report) => (
                format!("The program failed before the piece that is explored.{}", quoted(report)),
                "Run it first and repair what the console shows.",
            ),
            Self::NoMark(console) => (
                format!("The program never reached the piece that is explored.{}", quoted(console)),
                "Keep the functions of the starter: the explorer calls them by name.",
            ),
            Self::TooLong(limit) => (
                format!("The piece that is explored takes more than {limit} machine instructions."),
                "Take loops and waiting out of it: one addition, or one byte, is enough.",
            ),
            Self::NeverEnds(end) => (
                format!("Even without an interrupt the piece that is explored does not end: {end}."),
                "Look for a loop or a wait that only a callback ends.",
            ),
            Self::TooMuch(limit) => (
                format!("All arrivals together take more than {limit} million machine instructions."),
                "Shorten the piece that is explored, or what the callback does.",
            ),
            Self::TooManyPairs(pairs, limit) => (
                format!("{pairs} pairs of arrivals would have to be tried one by one; the limit is {limit}."),
                "Shorten the statement, or take the clock out of it: then most pairs need not be tried.",
            ),
            Self::NoArrival(last) => (format!("There are arrivals 0 to {last}."), "Choose one of these."),
            Self::GivenUp => ("The exploration was given up.".into(), "Press Explore again."),
        }
    }

    fn japanese(&self) -> (String, &'static str) {
        match self {
            Self::NoWindow => (
                "このレッスンに探索するものはありません。".into(),
                "「失われた更新」か「失われたバイト」を開いてください。",
            ),
            Self::Program(report) => (
                format!("探索する部分に入る前にプログラムが失敗しました。{}", quoted(report)),
                "先に実行し、コンソールに出た誤りを直してください。",
            ),
            Self::NoMark(console) => (
                format!("プログラムは探索する部分に到達しませんでした。{}", quoted(console)),
                "スターターの関数を残してください。エクスプローラはその名前で呼び出します。",
            ),
            Self::TooLong(limit) => (
                format!("探索する部分が機械語 {limit} 命令を超えています。"),
                "ループや待ちを外に出してください。加算 1 回、1 バイトで十分です。",
            ),
            Self::NeverEnds(end) => (
                format!("割り込みがなくても、探索する部分が終わりません({})。", end_japanese(*end)),
                "コールバックでしか終わらないループや待ちがないか調べてください。",
            ),
            Self::TooMuch(limit) => (
                format!("すべての到着を合わせると機械語 {limit} 百万命令を超えます。"),
                "探索する部分か、コールバックの仕事を短くしてください。",
            ),
            Self::TooManyPairs(pairs, limit) => (
                format!("二つの割り込みの組を {pairs} 通り、一つずつ試すことになります。上限は {limit} です。"),
                "文を短くするか、時刻を読まないようにしてください。そうすれば、ほとんどの組は試さずに済みます。",
            ),
            Self::NoArrival(last) => (format!("到着は 0～{last} です。"), "この中から選んでください。"),
            Self::GivenUp => ("探索は中止されました。".into(), "もう一度「探索」を押してください。"),
        }
    }
}

fn end_japanese(end: End) -> &'static str {
    match end {
        End::Reset(_) => "チップがリセットしました",
        End::LockedUp => "プロセッサが停止しました",
        End::Limit => "上限まで動き続けました",
        End::Quiet => "その前にプログラムが終わりました",
    }
}

/// The last line of a traceback, in words of its own.
fn quoted(report: &str) -> String {
    match report.lines().rev().find(|line| !line.trim().is_empty()) {
        Some(line) => format!(" ({})", line.trim()),
        None => String::new(),
    }
}
