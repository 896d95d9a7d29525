//! The option that chooses what instructions cost on the virtual board, for all commands that have one.

use clap::{Args, ValueEnum};
use emulator::Timing;
use workbench::emulated::BootedBoard;

use crate::firmware;

/// The option itself.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct TimingOption {
    /// What instructions cost on the virtual board: as on silicon, or one cycle each.
    #[arg(long, value_enum, value_name = "MODEL", default_value_t = Model::usual())]
    timing: Model,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Model {
    /// As on the chip, its cache included.
    Silicon,
    /// One cycle each.
    Unit,
}

impl Model {
    fn usual() -> Self {
        match Timing::default() {
            Timing::Silicon => Self::Silicon,
            Timing::Unit => Self::Unit,
        }
    }
}

impl TimingOption {
    /// The model that was chosen.
    pub(super) fn model(self) -> Timing {
        match self.timing {
            Model::Silicon => Timing::Silicon,
            Model::Unit => Timing::Unit,
        }
    }

    /// A booted board with the lesson firmware that keeps the chosen time.
    pub(super) fn booted(self) -> anyhow::Result<BootedBoard> {
        Ok(match self.model() {
            model if model == Timing::default() => firmware::booted()?,
            model => BootedBoard::boot_in(firmware::lesson_firmware(), model)?,
        })
    }
}
