//! The options that say how virtual boards are emulated, for all commands that have one.

use clap::{Args, ValueEnum};
use emulator::{EngineKind, Timing};
use workbench::emulated::{BootedBoard, Emulation};

use super::out::failure;
use crate::firmware;

/// The engine, for a command whose boards keep the usual time.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct EngineOption {
    /// What executes the virtual board's instructions; the results are the same.
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineName::Traces)]
    engine: EngineName,
}

impl EngineOption {
    /// The engine that was chosen.
    pub(super) fn kind(self) -> EngineKind {
        match self.engine {
            EngineName::Traces => EngineKind::Traces,
            EngineName::Block => EngineKind::Block,
        }
    }
}

/// All that can be chosen.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct EmulationOptions {
    /// What instructions cost on the virtual board: as on silicon, which is usual, or one cycle each.
    #[arg(long, value_enum, value_name = "MODEL")]
    timing: Option<TimingName>,
    #[command(flatten)]
    engine: EngineOption,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TimingName {
    /// As on the chip, its cache included.
    Silicon,
    /// One cycle each.
    Unit,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum EngineName {
    /// Machine code of this computer, where that can be had; else as `block`.
    Traces,
    /// Decoded blocks: slower, and no machine code is made.
    Block,
}

impl EmulationOptions {
    /// What was chosen.
    pub(super) fn emulation(self) -> Emulation {
        Emulation { timing: self.timing().unwrap_or_default(), engine: self.engine.kind() }
    }

    /// A booted board with the lesson firmware, emulated as chosen.
    pub(super) fn booted(self) -> anyhow::Result<BootedBoard> {
        Ok(firmware::booted_as(self.emulation())?)
    }

    /// A booted board that keeps the time of a replay word.
    ///
    /// # Errors
    /// Another model of time was asked for.
    pub(super) fn booted_for_word(self, timing: Timing) -> anyhow::Result<BootedBoard> {
        if let Some(asked) = self.timing().filter(|asked| *asked != timing) {
            return Err(failure(
                format!("the word was made in {timing} time, so it cannot be played with --timing {asked}"),
                format!("この再生ワードの時間モデルは {timing} です。--timing {asked} では再生できません。"),
            ));
        }
        Ok(firmware::booted_as(Emulation { timing, ..self.emulation() })?)
    }

    fn timing(self) -> Option<Timing> {
        Some(match self.timing? {
            TimingName::Silicon => Timing::Silicon,
            TimingName::Unit => Timing::Unit,
        })
    }
}
