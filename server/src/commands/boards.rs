//! `isrlab boards`: what is attached, and what it needs.

use std::process::ExitCode;

use clap::Args;
use course::Language;
use ports::discovery::{self, Access, AttachedPort};
use ports::serial::{CONSOLE_BAUD, LineFault, PortAddress, SerialLine};
use workbench::description::{self, describe};
use workbench::description::{board_name, trouble};
use workbench::state::Device;
use workbench::state::{BoardId, BoardState, BoardStatus};

use super::out::{language, say, say_text};

/// Options of `isrlab boards`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Prints one JSON array instead of a table.
    #[arg(long)]
    json: bool,
    /// Lists this port as well, such as rfc2217://host:port; it is opened for a moment to see whether it is free.
    #[arg(long, value_name = "PORT")]
    board: Vec<PortAddress>,
}

/// The board that needs no hardware; it boots when it is asked to run something.
fn virtual_board() -> BoardStatus {
    let mut board = BoardStatus::new_virtual(BoardId("virtual".to_owned()));
    board.state = BoardState::Ready;
    board
}

fn attached(port: AttachedPort) -> BoardStatus {
    let path = port.port.to_string();
    let state = match port.access {
        Access::Denied { command } => fault(&LineFault::NoPermission { port: port.port, command }),
        Access::Granted => match discovery::holder(path.as_ref()) {
            Some(by) => fault(&LineFault::Busy { port: port.port, by: Some(by) }),
            None => BoardState::Free,
        },
    };
    let device = Device { port: Some(path), name: port.name, likely: port.bridge.is_some() };
    BoardStatus { state, ..BoardStatus::new_attached(BoardId(port.id), device) }
}

/// A port that the user named.
async fn named(port: &PortAddress) -> BoardStatus {
    let state = match SerialLine::open(port, CONSOLE_BAUD, None).await {
        Ok(_) => BoardState::Free,
        Err(LineFault::Absent(_)) => BoardState::Absent,
        Err(fault) => self::fault(&fault),
    };
    let device = Device { port: Some(port.to_string()), name: String::new(), likely: true };
    BoardStatus { state, ..BoardStatus::new_attached(BoardId(port.to_string()), device) }
}

fn fault(fault: &LineFault) -> BoardState {
    BoardState::Fault(fault.into())
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut boards = vec![virtual_board()];
    boards.extend(discovery::list()?.into_iter().map(attached));
    if !arguments.board.is_empty() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for port in &arguments.board {
            boards.push(runtime.block_on(named(port)));
        }
    }
    if arguments.json {
        let described: Vec<_> = boards.iter().map(|board| describe(board, language())).collect();
        say!("{}", serde_json::to_string_pretty(&described)?)?;
    } else {
        say_text(table(&boards, language()).trim_end())?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Columns that a terminal needs for a text: two for a character of East Asian scripts.
fn width_of(text: &str) -> usize {
    text.chars().map(|c| if matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{A4CF}' | '\u{AC00}'..='\u{D7A3}' | '\u{FF00}'..='\u{FF60}') { 2 } else { 1 }).sum()
}

fn table(boards: &[BoardStatus], language: Language) -> String {
    let port = |board: &BoardStatus| board.device.port.clone().unwrap_or_else(|| "-".to_owned());
    let name = |board: &BoardStatus| {
        let name = board_name(board, language);
        let doubt = language.pick("does not look like a board", "ボードには見えません");
        if board.device.likely { name } else { format!("{name} ({doubt})") }
    };
    let heading = match language {
        Language::En => ["BOARD", "STATE", "PORT", "NAME"],
        Language::Ja => ["ボード", "状態", "ポート", "名前"],
    }
    .map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(heading)
        .chain(
            boards.iter().map(|board| [board.id.to_string(), board.state.name().to_owned(), port(board), name(board)]),
        )
        .collect();
    let widths: Vec<usize> =
        (0..4).map(|column| rows.iter().map(|row| width_of(&row[column])).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell}{}", " ".repeat(width - width_of(cell))))
            .collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    for board in boards {
        if let Some(fault) = description::fault(board) {
            let said = trouble(fault, language);
            let command = fault.command.as_deref().map(|command| format!(" {command}")).unwrap_or_default();
            text.push_str(&format!("{}: {} {}{command} [{}]\n", board.id, said.message, said.hint, said.code));
        }
    }
    if boards.len() == 1 {
        text.push_str(language.pick(
            "No ESP32 board is plugged in; one on another machine is named rfc2217://host:port.\n",
            "ESP32 ボードは接続されていません。ほかのコンピュータのボードは rfc2217://ホスト:ポート で指定します。\n",
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use ports::discovery::Bridge;

    fn board(access: Access) -> AttachedPort {
        AttachedPort {
            id: "cp210x-0001".to_owned(),
            name: "CP2102 USB to UART Bridge Controller".to_owned(),
            port: "/dev/ttyUSB250".parse().unwrap(),
            bridge: Some(Bridge::Cp210x),
            product_id: Some(0xEA60),
            access,
        }
    }

    #[test]
    fn a_board_that_may_not_be_opened_comes_with_its_command() {
        let denied = Access::Denied { command: "sudo usermod -aG dialout \"$USER\"".to_owned() };
        let text = table(&[virtual_board(), attached(board(denied))], Language::En);
        let expected = "\
BOARD        STATE  PORT            NAME
virtual      ready  -               Virtual board
cp210x-0001  fault  /dev/ttyUSB250  CP2102 USB to UART Bridge Controller
cp210x-0001: This computer lists the port but does not let ISR Lab open it. Run this once in a terminal on the computer \
that runs ISR Lab: sudo usermod -aG dialout \"$USER\" [port-permission]
";
        assert_eq!(text, expected);
    }

    #[test]
    fn scripts_read_the_same_fields_for_every_board() {
        let boards = [virtual_board(), attached(board(Access::Granted))];
        let described: Vec<_> =
            boards.iter().map(|board| serde_json::to_value(describe(board, Language::En)).unwrap()).collect();
        for board in &described {
            for field in ["id", "kind", "port", "device", "likely", "chip", "state", "can", "name"] {
                assert!(board.get(field).is_some(), "{field} is missing in {board}");
            }
        }
        assert_eq!((&described[0]["state"], &described[1]["state"]), (&"ready".into(), &"free".into()));
    }
}
