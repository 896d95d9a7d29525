//! The boards page: which boards there are, how they are, who has them, and what to do where one needs somebody.

use askama::Template;

use super::frame::{Frame, key_of_state, shape_of_state};
use crate::board::registry::{Listed, User};
use course::Course;
use course::Language;
use course::catalogue;
use ports::serial::CONSOLE_BAUD;
use ports::serial::absent;
use workbench::description::fault;
use workbench::description::{board_name, chip_name, trouble};
use workbench::flashing::{Flashed, LogLine, Logged, Progress, Stage};
use workbench::state::{BoardKind, BoardState};

/// The page.
#[derive(Debug, Template)]
#[template(path = "boards.html")]
pub struct BoardsPage {
    frame: Frame,
    boards: Vec<BoardView>,
    others: Vec<BoardView>,
    kinds: Vec<KindView>,
    host: bool,
}

/// A board with its relation to the visitor.
#[derive(Clone, Debug)]
pub struct BoardFacts {
    /// What is known of it, and who has it.
    pub listed: Listed,
    /// Whether it is on the visitor's bench.
    pub on_bench: bool,
}

impl BoardFacts {
    /// Changes whenever the board's card has to be written anew, and not while only numbers in it move.
    #[must_use]
    pub fn look(&self) -> String {
        let Listed { status, user, named, flashed_by_asker } = &self.listed;
        let code = fault(status).map_or("", |fault| fault.code);
        let flashed = match &status.flashed {
            None => "",
            Some(Flashed::Done(_)) => "done",
            Some(Flashed::Failed(fault)) => fault.code,
        };
        format!(
            "{}|{code}|{user:?}|{}|{named}|{flashed_by_asker}|{flashed}|{}|{}|{}|{:?}",
            status.state.name(),
            self.on_bench,
            status.device.name,
            status.device.port.as_deref().unwrap_or_default(),
            status.firmware.as_deref().unwrap_or_default(),
            status.can.hard,
        )
    }
}

/// What needs the visitor.
#[derive(Clone, Debug)]
struct Advice {
    message: String,
    hint: String,
    command: Option<String>,
    code: &'static str,
}

#[derive(Debug)]
struct BoardView {
    id: String,
    look: String,
    name: String,
    subtitle: String,
    state: &'static str,
    facts: Vec<Fact>,
    slow_motion: bool,
    speed_position: usize,
    advice: Option<Advice>,
    flashing: Option<FlashView>,
    /// How the last flashing job ended well.
    flashed: Option<String>,
    log: Vec<String>,
    actions: Vec<Action>,
}

#[derive(Debug)]
struct Fact {
    name: &'static str,
    value: String,
    live: bool,
}

/// A button of a card, and the request that it sends.
#[derive(Debug)]
struct Action {
    name: &'static str,
    words: &'static str,
    first: bool,
    quiet: bool,
}

#[derive(Debug)]
struct FlashView {
    percent: u8,
    bytes: String,
    rate: String,
    left: String,
    stages: Vec<StageView>,
}

#[derive(Debug)]
struct StageView {
    words: &'static str,
    shape: &'static str,
    here: bool,
}

#[derive(Debug)]
struct KindView {
    name: &'static str,
    hard: bool,
    lessons: usize,
}

/// Positions of the speed slider (`SPEEDS` in `web/js/boards.js`).
const SPEEDS: [f64; 5] = [0.001, 0.01, 0.1, 1.0, 0.0];
/// The stages of a flashing job as a visitor sees them: comparing and writing take turns.
const STAGES: [&str; 4] = ["boards.stage_connect", "boards.stage_check", "boards.stage_write", "boards.stage_start"];

impl BoardView {
    fn new(facts: &BoardFacts, course: &Course, frame: &Frame, host: bool) -> Self {
        let Listed { status, .. } = &facts.listed;
        let language = frame.language;
        let flashing = match &status.state {
            BoardState::Flashing(progress) => Some(FlashView::new(progress, language)),
            _ => None,
        };
        let failed = fault(status).or(match &status.flashed {
            Some(Flashed::Failed(fault)) if flashing.is_none() => Some(fault),
            _ => None,
        });
        let absent = (status.state == BoardState::Absent).then(|| absent(status.id.0.clone()));
        let advice = failed.or(absent.as_ref()).map(|fault| {
            let text = trouble(fault, language);
            Advice { message: text.message, hint: text.hint, command: fault.command.clone(), code: text.code }
        });
        let flashed = match &status.flashed {
            Some(Flashed::Done(report)) if report.written_bytes == 0 => {
                Some(frame.t("boards.flashed_there").to_owned())
            }
            Some(Flashed::Done(report)) => {
                let kilobytes = (report.written_bytes / 1024).to_string();
                Some(frame.fill("boards.flashed_done", &[("kib", &kilobytes)]))
            }
            Some(Flashed::Failed(_)) | None => None,
        };
        Self {
            id: status.id.to_string(),
            look: facts.look(),
            name: board_name(status, language),
            subtitle: match (status.kind, &status.device.port) {
                (BoardKind::Virtual, _) => frame.t("boards.virtual").to_owned(),
                (BoardKind::Attached, Some(port)) if *port != status.id.0 => format!("{} · {port}", status.id),
                (BoardKind::Attached, _) => status.id.to_string(),
            },
            state: status.state.name(),
            facts: facts_of(facts, course, frame),
            slow_motion: facts.on_bench && status.can.slow_motion,
            speed_position: SPEEDS.iter().position(|speed| *speed == status.speed).unwrap_or(3),
            advice,
            flashing,
            flashed,
            log: status.log.iter().map(|line| log_words(line, language)).collect(),
            actions: actions(facts, frame, host),
        }
    }

    fn shape(&self) -> &'static str {
        shape_of_state(self.state)
    }

    fn state_key(&self) -> &'static str {
        key_of_state(self.state)
    }
}

fn facts_of(facts: &BoardFacts, course: &Course, frame: &Frame) -> Vec<Fact> {
    let Listed { status, user, .. } = &facts.listed;
    let mut shown = Vec::new();
    let mut fact = |key, value: String, live| shown.push(Fact { name: frame.t(key), value, live });
    if !status.chip.is_empty() {
        fact("boards.chip", chip_name(&status.chip), false);
    }
    if let (Some(firmware), Some(micropython)) = (&status.firmware, &status.micropython) {
        let shown = if firmware.starts_with("portable-") {
            format!("{} {micropython}", frame.t("boards.kind_official"))
        } else {
            format!("ISR Lab {firmware} · MicroPython {micropython}")
        };
        fact("boards.firmware", shown, false);
    }
    if let Some(hard) = status.can.hard {
        let both = if hard { "boards.interrupts_both" } else { "boards.interrupts_soft" };
        fact("boards.interrupts", frame.t(both).to_owned(), false);
        fact("boards.lessons", lessons(course, hard).to_string(), false);
    }
    if status.can.slow_motion {
        fact("boards.virtual_time", format!("{:.1} s", status.virtual_us as f64 / 1e6), true);
    }
    let used_by = match (facts.on_bench, user) {
        (true, _) | (false, User::Asker) if status.kind == BoardKind::Attached || facts.on_bench => Some("boards.you"),
        (_, User::Another) => Some("boards.another"),
        _ => None,
    };
    if let Some(used_by) = used_by {
        fact("boards.used_by", frame.t(used_by).to_owned(), false);
    }
    shown
}

/// How many lessons a board can serve.
fn lessons(course: &Course, hard: bool) -> usize {
    course.lessons.iter().filter(|lesson| hard || !lesson.needs_hard()).count()
}

/// What the visitor can do with a board now; the first one is the likeliest.
fn actions(facts: &BoardFacts, frame: &Frame, host: bool) -> Vec<Action> {
    let Listed { status, user, named, flashed_by_asker } = &facts.listed;
    let mut actions = Vec::new();
    let mut add = |name, key, first, quiet| actions.push(Action { name, words: frame.t(key), first, quiet });
    if status.kind == BoardKind::Virtual && *user == User::Another {
        add("give-back", "boards.take_back", false, true);
        return actions;
    }
    if status.kind == BoardKind::Virtual {
        if facts.on_bench {
            add("bench", "course.open", true, false);
            add("console", "bench.console", false, false);
            add("reset", "bench.reset", false, true);
        } else {
            add("give-back-any", "boards.use_virtual", false, false);
        }
        return actions;
    }
    let port_fault = fault(status).filter(|fault| fault.code.starts_with("port-"));
    let failed = matches!(status.flashed, Some(Flashed::Failed(_)));
    let write = if failed { "boards.flash_again" } else { "boards.flash" };
    match (&status.state, user) {
        (BoardState::Flashing(_), _) => {
            if *flashed_by_asker || host {
                add("flash/cancel", "boards.cancel", false, false);
            }
        }
        (_, User::Another) => {
            if host {
                add("give-back", "boards.take_back", false, false);
            }
        }
        (_, User::Asker) => {
            add("bench", "course.open", true, false);
            if port_fault.is_none() {
                add("console", "bench.console", false, false);
                add("flash", write, false, false);
                add("reset", "bench.reset", false, false);
            }
            add("give-back", "boards.give_back", false, true);
        }
        (BoardState::Absent, User::Nobody) => {}
        (_, User::Nobody) if port_fault.is_some() => add("take", "boards.try_again", false, false),
        (_, User::Nobody) => {
            add("take", "boards.take", !failed, false);
            add("flash", write, failed, false);
        }
    }
    if *named && host && *user == User::Nobody && !matches!(status.state, BoardState::Flashing(_)) {
        add("remove", "boards.remove", false, true);
    }
    actions
}

impl FlashView {
    fn new(progress: &Progress, language: Language) -> Self {
        let fill = |key, places: &[(&str, &str)]| catalogue::fill(language, key, places);
        let kib = |bytes: usize| (bytes / 1024).to_string();
        let here = stage_index(progress.stage);
        let left = progress.total_bytes.saturating_sub(progress.done_bytes);
        Self {
            percent: progress.percent,
            bytes: match progress.total_bytes {
                0 => String::new(),
                total => fill("live.flash_bytes", &[("done", &kib(progress.done_bytes)), ("total", &kib(total))]),
            },
            rate: match (progress.bytes_per_second, progress.baud) {
                (_, 0) => String::new(),
                (0, baud) => fill("live.flash_baud", &[("baud", &baud.to_string())]),
                (rate, baud) => {
                    let rate = (rate / 1024).to_string();
                    fill("live.flash_rate", &[("rate", &rate), ("baud", &baud.to_string())])
                }
            },
            left: match left.checked_div(progress.bytes_per_second as usize) {
                Some(seconds) if left > 0 => fill("live.flash_left", &[("seconds", &(seconds + 1).to_string())]),
                _ => String::new(),
            },
            stages: STAGES
                .iter()
                .enumerate()
                .map(|(at, key)| StageView {
                    words: catalogue::text(language, key),
                    shape: match at.cmp(&here) {
                        std::cmp::Ordering::Less => "holds",
                        std::cmp::Ordering::Equal => "running",
                        std::cmp::Ordering::Greater => "ring",
                    },
                    here: at == here,
                })
                .collect(),
        }
    }
}

/// Which of [`STAGES`] a job is in.
fn stage_index(stage: Stage) -> usize {
    match stage {
        Stage::Waiting | Stage::Connecting => 0,
        Stage::Checking => 1,
        Stage::Comparing | Stage::Writing => 2,
        Stage::Resetting => 3,
    }
}

/// A line of a flashing job's log, in words.
#[must_use]
pub fn log_words(line: &LogLine, language: Language) -> String {
    let fill = |key, places: &[(&str, &str)]| catalogue::fill(language, key, places);
    let words = match &line.what {
        Logged::Stage(progress) => {
            let baud = progress.baud.to_string();
            let attempt = (progress.failed_attempts + 1).to_string();
            let key = match (progress.stage, progress.failed_attempts) {
                (Stage::Waiting, _) => "boards.log_waiting",
                // The ROM listens at the console's speed; the transfer's comes after it.
                (Stage::Connecting, 0) if progress.baud == CONSOLE_BAUD => "boards.log_reset",
                (Stage::Connecting, _) if progress.baud == CONSOLE_BAUD => "boards.log_reset_again",
                (Stage::Connecting, _) => "boards.log_connecting",
                (Stage::Checking, _) => "boards.log_checking",
                (Stage::Comparing, _) => "boards.log_comparing",
                (Stage::Writing, _) => "boards.log_writing",
                (Stage::Resetting, _) => "boards.log_resetting",
            };
            fill(key, &[("baud", &baud), ("attempt", &attempt)])
        }
        Logged::Done(report) => {
            let written = (report.written_bytes / 1024).to_string();
            let flash = (report.flash_bytes >> 20).to_string();
            let (baud, chip) = (report.baud.to_string(), chip_name(&report.chip));
            let places = [("kib", &*written), ("baud", &*baud), ("chip", &*chip), ("mb", &*flash)];
            fill(if report.written_bytes == 0 { "boards.log_there" } else { "boards.log_done" }, &places)
        }
        Logged::Failed(fault) => format!("{} ({})", trouble(fault, language).message, fault.code),
    };
    format!("{:6.2} s  {words}", line.after.as_secs_f64())
}

impl BoardsPage {
    /// The page with these boards, in this order; `host`: for the class host.
    #[must_use]
    pub fn new(frame: Frame, course: &Course, boards: &[BoardFacts], host: bool) -> Self {
        let views = |likely: bool| {
            let shown = boards.iter().filter(|board| board.listed.status.device.likely == likely);
            shown.map(|board| BoardView::new(board, course, &frame, host)).collect()
        };
        Self {
            boards: views(true),
            others: views(false),
            kinds: [("boards.kind_virtual", true), ("boards.kind_lesson", true), ("boards.kind_official", false)]
                .map(|(key, hard)| KindView { name: frame.t(key), hard, lessons: lessons(course, hard) })
                .into(),
            host,
            frame,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn progress_is_told_in_bytes_rate_and_time_left() {
        let progress = Progress {
            stage: Stage::Writing,
            done_bytes: 100 * 1024,
            total_bytes: 380 * 1024,
            percent: 26,
            bytes_per_second: 70 * 1024,
            baud: 921_600,
            failed_attempts: 0,
        };
        let view = FlashView::new(&progress, Language::En);
        assert_eq!(view.bytes, "100 of 380 KiB");
        assert_eq!(view.rate, "70 KiB/s at 921600 baud");
        assert_eq!(view.left, "about 5 s left");
        assert_eq!(view.stages.iter().position(|stage| stage.here), Some(2));
        let line = LogLine { after: Duration::from_millis(1250), what: Logged::Stage(progress) };
        assert_eq!(log_words(&line, Language::En), "  1.25 s  writing and verifying at 921600 baud");
    }
}
