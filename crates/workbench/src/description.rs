//! One description of a board for pages, scripts and the command line.

use serde::Serialize;

use crate::state::{BoardFault, BoardKind, BoardState, BoardStatus};
use course::words::{self, ProblemText};
use course::{Language, catalogue};

/// What is known of a board, in somebody's language: the `board` event, a row of `GET /api/boards` and one of
/// `isrlab boards --json`.
#[derive(Debug, Serialize)]
pub struct BoardDescription<'a> {
    #[serde(flatten)]
    status: &'a BoardStatus,
    name: String,
    chip_name: String,
    /// What needs somebody, if anything does.
    #[serde(flatten)]
    trouble: Option<ProblemText>,
}

/// Describes a board.
#[must_use]
pub fn describe(status: &BoardStatus, language: Language) -> BoardDescription<'_> {
    let trouble = fault(status).map(|fault| trouble(fault, language));
    BoardDescription { status, name: board_name(status, language), chip_name: chip_name(&status.chip), trouble }
}

/// What is wrong with a board, in the visitor's language.
#[must_use]
pub fn trouble(fault: &BoardFault, language: Language) -> ProblemText {
    words::board_trouble(fault.code, fault.program.as_deref(), language)
}

/// What keeps the board from being used.
#[must_use]
pub fn fault(status: &BoardStatus) -> Option<&BoardFault> {
    match &status.state {
        BoardState::Fault(fault) => Some(fault),
        _ => None,
    }
}

/// What a visitor calls a board.
#[must_use]
pub fn board_name(status: &BoardStatus, language: Language) -> String {
    let id = &status.id.0;
    match (status.kind, id.strip_prefix("virtual-")) {
        (BoardKind::Virtual, Some(number)) => catalogue::fill(language, "boards.virtual_name", &[("n", number)]),
        (BoardKind::Virtual, None) => catalogue::text(language, "boards.kind_virtual").to_owned(),
        (BoardKind::Attached, _) if !status.device.name.is_empty() => status.device.name.clone(),
        (BoardKind::Attached, _) => catalogue::text(language, "boards.attached_name").to_owned(),
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
    use crate::state::{BoardId, Device};

    #[test]
    fn a_fault_goes_out_with_its_words_and_its_command() {
        let mut usb = BoardStatus::new_attached(BoardId("esp-1".to_owned()), Device::default());
        usb.state = BoardState::Fault(BoardFault {
            code: "port-permission",
            cause: "no permission to open /dev/ttyACM0".to_owned(),
            command: Some("sudo usermod -aG dialout ada".to_owned()),
            program: None,
        });
        let said = serde_json::to_value(describe(&usb, Language::En)).unwrap();
        assert_eq!((&said["state"], &said["code"]), (&"fault".into(), &"port-permission".into()));
        assert_eq!(said["command"], "sudo usermod -aG dialout ada");
        assert!(said["message"].as_str().is_some_and(|words| words.contains("does not let")), "{said}");
    }

    #[test]
    fn every_board_has_a_readable_name() {
        let third = BoardStatus::new_virtual(BoardId("virtual-3".to_owned()));
        assert_eq!(board_name(&third, Language::Ja), "仮想 3");
        let mut usb = BoardStatus::new_attached(BoardId("esp-1".to_owned()), Device::default());
        assert_eq!(board_name(&usb, Language::En), "Attached board");
        usb.device.name = "CP2102N".to_owned();
        assert_eq!(board_name(&usb, Language::En), "CP2102N");
    }

    #[test]
    fn chips_have_readable_names() {
        assert_eq!(chip_name("esp32c3"), "ESP32-C3");
        assert_eq!(chip_name("esp32"), "ESP32");
    }
}
