//! One description of a board for pages, scripts and the command line.

use serde::Serialize;

use super::state::{BoardFault, BoardState, BoardStatus};
use crate::error::{ProblemText, board_trouble};
use crate::language::Language;
use crate::pages::boards::{board_name, chip_name};

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
    let trouble = fault(status).map(|fault| board_trouble(fault, language));
    BoardDescription { status, name: board_name(status, language), chip_name: chip_name(&status.chip), trouble }
}

/// What keeps the board from being used.
#[must_use]
pub fn fault(status: &BoardStatus) -> Option<&BoardFault> {
    match &status.state {
        BoardState::Fault(fault) => Some(fault),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::BoardId;
    use crate::board::state::Device;

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
}
