//! `isrlab boards`: what is attached, and what it needs.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::board::discovery::{self, Access, AttachedPort};
use crate::board::serial::{CONSOLE_BAUD, LineFault, PortAddress, SerialLine};

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

/// One board, as scripts read it.
#[derive(Debug, Serialize)]
struct Entry {
    id: String,
    kind: &'static str,
    name: String,
    port: Option<String>,
    state: &'static str,
    advice: Option<String>,
}

impl Entry {
    /// The board that needs no hardware.
    fn virtual_board() -> Self {
        Self {
            id: "virtual".to_owned(),
            kind: "virtual",
            name: "Virtual ESP32-C3".to_owned(),
            port: None,
            state: "ready",
            advice: None,
        }
    }

    fn attached(board: AttachedPort) -> Self {
        let port = board.port.to_string();
        let holder = discovery::holder(port.as_ref());
        let (state, advice) = match (board.access, holder) {
            (Access::Denied { command }, _) => ("no permission", Some(format!("run: {command}"))),
            (Access::Granted, Some(program)) => ("busy", Some(format!("close {program}, which has the port open"))),
            (Access::Granted, None) => ("free", None),
        };
        Self { id: board.id, kind: "attached", name: board.name, port: Some(port), state, advice }
    }

    /// A port that the user named.
    async fn named(port: &PortAddress) -> Self {
        let (state, advice) = match SerialLine::open(port, CONSOLE_BAUD, None).await {
            Ok(_) => ("free", None),
            Err(fault) => {
                let state = match &fault {
                    LineFault::NoPermission { .. } => "no permission",
                    LineFault::Busy { .. } => "busy",
                    LineFault::Absent(_) => "absent",
                    LineFault::Unreachable(_) => "unreachable",
                    LineFault::Lost { .. } => "lost",
                };
                (state, Some(format!("{fault}. {}", fault.advice())))
            }
        };
        let port = port.to_string();
        let name = "Board at a named port".to_owned();
        Self { id: port.clone(), kind: "attached", name, port: Some(port), state, advice }
    }
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut entries = vec![Entry::virtual_board()];
    entries.extend(discovery::list()?.into_iter().map(Entry::attached));
    if !arguments.board.is_empty() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        for port in &arguments.board {
            entries.push(runtime.block_on(Entry::named(port)));
        }
    }
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&entries)?);
    } else {
        print!("{}", table(&entries));
    }
    Ok(ExitCode::SUCCESS)
}

fn table(entries: &[Entry]) -> String {
    let rows: Vec<[&str; 4]> =
        std::iter::once(["BOARD", "STATE", "PORT", "NAME"])
            .chain(entries.iter().map(|entry| {
                [entry.id.as_str(), entry.state, entry.port.as_deref().unwrap_or("-"), entry.name.as_str()]
            }))
            .collect();
    let widths: Vec<usize> =
        (0..4).map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    for entry in entries {
        if let Some(advice) = &entry.advice {
            text.push_str(&format!("{}: {advice}\n", entry.id));
        }
    }
    if entries.len() == 1 {
        text.push_str("No ESP32 board is plugged in; one on another machine is named rfc2217://host:port.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::discovery::Bridge;

    fn board(access: Access) -> AttachedPort {
        AttachedPort {
            id: "cp210x-0001".to_owned(),
            name: "CP2102 USB to UART Bridge Controller".to_owned(),
            port: "/dev/ttyUSB250".parse().unwrap(),
            bridge: Bridge::Cp210x,
            product_id: 0xEA60,
            access,
        }
    }

    #[test]
    fn a_board_that_may_not_be_opened_comes_with_its_command() {
        let denied = Access::Denied { command: "sudo usermod -aG dialout \"$USER\"".to_owned() };
        let text = table(&[Entry::virtual_board(), Entry::attached(board(denied))]);
        let expected = "\
BOARD        STATE          PORT            NAME
virtual      ready          -               Virtual ESP32-C3
cp210x-0001  no permission  /dev/ttyUSB250  CP2102 USB to UART Bridge Controller
cp210x-0001: run: sudo usermod -aG dialout \"$USER\"
";
        assert_eq!(text, expected);
    }

    #[test]
    fn scripts_read_the_same_fields_for_every_board() {
        let entries = [Entry::virtual_board(), Entry::attached(board(Access::Granted))];
        let value = serde_json::to_value(&entries).unwrap();
        for entry in value.as_array().unwrap() {
            let fields: Vec<&String> = entry.as_object().unwrap().keys().collect();
            assert_eq!(fields, ["id", "kind", "name", "port", "state", "advice"]);
        }
        assert_eq!(value[1]["state"], "free");
    }
}
