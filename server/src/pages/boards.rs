//! The boards page: which boards there are, how they are, and what to do where one needs it.

use askama::Template;

use super::catalogue;
use super::frame::{Frame, key_of_state, shape_of_state};
use crate::course::Course;
use crate::language::Language;

/// The page.
#[derive(Debug, Template)]
#[template(path = "boards.html")]
pub struct BoardsPage {
    frame: Frame,
    boards: Vec<BoardView>,
    kinds: Vec<KindView>,
}

/// A board as its actor describes it.
#[derive(Clone, Debug, Default)]
pub struct BoardFacts {
    /// Its stable identity.
    pub id: String,
    /// Its name, such as `Virtual 1`.
    pub name: String,
    /// `absent`, `booting`, `ready`, `flashing`, `running` or `fault`.
    pub state: String,
    /// Firmware and MicroPython versions, once the board has said them.
    pub firmware: Option<String>,
    /// Its own time since power-on, in microseconds.
    pub virtual_us: Option<u64>,
    /// Its time against real time; 0 is as fast as it goes.
    pub speed: f64,
    /// Whether it is the visitor's own.
    pub own: bool,
    /// What needs the visitor, if anything: message, hint, command to run, stable code.
    pub advice: Option<Advice>,
}

/// What needs the visitor.
#[derive(Clone, Debug, Default)]
pub struct Advice {
    /// What happened.
    pub message: String,
    /// What to try.
    pub hint: String,
    /// A command to run in a terminal, or nothing.
    pub command: String,
    /// The stable code.
    pub code: String,
}

#[derive(Debug)]
struct BoardView {
    id: String,
    name: String,
    subtitle: &'static str,
    state: String,
    facts: Vec<Fact>,
    own: bool,
    speed_position: usize,
    advice: Option<Advice>,
}

#[derive(Debug)]
struct Fact {
    name: &'static str,
    value: String,
    live: bool,
}

#[derive(Debug)]
struct KindView {
    name: &'static str,
    hard: bool,
    lessons: usize,
}

/// Positions of the speed slider (`SPEEDS` in `web/js/boards.js`).
const SPEEDS: [f64; 5] = [0.001, 0.01, 0.1, 1.0, 0.0];

impl BoardView {
    fn new(board: BoardFacts, course: &Course, frame: &Frame) -> Self {
        let mut facts = Vec::new();
        let mut fact = |name, value: String, live| facts.push(Fact { name, value, live });
        if let Some(firmware) = board.firmware {
            fact(frame.t("boards.firmware"), firmware, false);
        }
        fact(frame.t("boards.interrupts"), frame.t("boards.interrupts_both").to_owned(), false);
        fact(frame.t("boards.lessons"), course.lessons.len().to_string(), false);
        if let Some(virtual_us) = board.virtual_us {
            fact(frame.t("boards.virtual_time"), format!("{:.1} s", virtual_us as f64 / 1e6), true);
        }
        if board.own {
            fact(frame.t("boards.used_by"), frame.t("boards.you").to_owned(), false);
        }
        Self {
            id: board.id,
            name: board.name,
            subtitle: frame.t("boards.virtual"),
            state: board.state,
            facts,
            own: board.own,
            speed_position: SPEEDS.iter().position(|speed| *speed == board.speed).unwrap_or(3),
            advice: board.advice,
        }
    }

    fn shape(&self) -> &'static str {
        shape_of_state(&self.state)
    }

    fn state_key(&self) -> &'static str {
        key_of_state(&self.state)
    }
}

impl BoardsPage {
    /// The page with these boards, in this order.
    #[must_use]
    pub fn new(frame: Frame, course: &Course, boards: Vec<BoardFacts>) -> Self {
        let all = course.lessons.len();
        Self {
            boards: boards.into_iter().map(|board| BoardView::new(board, course, &frame)).collect(),
            kinds: vec![
                KindView { name: frame.t("boards.kind_virtual"), hard: true, lessons: all },
                KindView { name: frame.t("boards.kind_lesson"), hard: true, lessons: all },
            ],
            frame,
        }
    }
}

/// A board's identity, such as `virtual-3`, as a visitor reads it.
#[must_use]
pub fn board_name(id: &str, language: Language) -> String {
    match id.strip_prefix("virtual-") {
        Some(number) => catalogue::fill(language, "boards.virtual_name", &[("n", number)]),
        None => id.to_owned(),
    }
}

/// A chip as espflash writes it, such as `esp32c3`, as it is printed on the chip.
#[must_use]
pub fn chip_name(chip: &str) -> String {
    match chip.strip_prefix("esp32") {
        Some("") | None => chip.to_uppercase(),
        Some(variant) => format!("ESP32-{}", variant.to_uppercase()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boards_and_chips_have_readable_names() {
        assert_eq!(chip_name("esp32c3"), "ESP32-C3");
        assert_eq!(chip_name("esp32"), "ESP32");
        assert_eq!(board_name("virtual-3", Language::Ja), "仮想 3");
        assert_eq!(board_name("usb-1", Language::En), "usb-1");
    }
}
