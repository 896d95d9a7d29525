//! `isrlab --version`: which program this is, and with `--json` what decides the runs of its virtual boards.

use std::process::ExitCode;

use emulator::{EngineKind, Timing};
use serde::Serialize;

use super::out::say;
use crate::firmware::lesson_firmware;
use workbench::version::BoardVersion;

/// What there is to say.
#[derive(Debug, Serialize)]
struct Version {
    version: &'static str,
    /// Two runs on virtual boards are the same if these are, with the same lesson, program, settings and seed.
    board: BoardVersion,
    engine: Engines,
}

/// What executes virtual boards' instructions; it changes nothing but the speed.
#[derive(Debug, Serialize)]
struct Engines {
    /// Those that can be had on this computer, as this process may use it.
    available: Vec<String>,
    /// The one that boards have unless another one is asked for.
    used: String,
}

pub(super) fn execute(json: bool) -> anyhow::Result<ExitCode> {
    let version = env!("CARGO_PKG_VERSION");
    if !json {
        say!("isrlab {version}")?;
        return Ok(ExitCode::SUCCESS);
    }
    let had = [EngineKind::Traces, EngineKind::Block].into_iter().filter(|engine| engine.available() == *engine);
    let said = Version {
        version,
        board: BoardVersion { firmware: lesson_firmware().hash(), timing: Timing::default() },
        engine: Engines {
            available: had.map(|engine| engine.to_string()).collect(),
            used: EngineKind::default().available().to_string(),
        },
    };
    say!("{}", serde_json::to_string_pretty(&said)?)?;
    Ok(ExitCode::SUCCESS)
}
