//! Who drives a board on behalf of its actor, and what only an attached board can be asked for.

use std::sync::Arc;

use workbench::engine::EngineCommand;

use crate::flash::{Cancel, Image};

/// What only an attached board can be asked for.
#[derive(Clone, Debug)]
pub enum PortCommand {
    /// Open the port, reset the board and keep it ready, also when it is unplugged and comes back.
    Open,
    /// End what runs and let the port go.
    Close,
    /// See again whether the port could be opened, without opening it.
    Look,
    /// Write images into the board's flash, over the open line or one of its own.
    Flash {
        /// What to write.
        images: Arc<[Image]>,
        /// Ends the job early.
        cancel: Cancel,
    },
}

/// How many batches of reports may wait for the actor. When they are full the engine stands still,
/// so that a board cannot fill the host's memory.
pub const REPORT_BATCHES: usize = 64;

/// Drives one board.
pub trait Engine: Send + Sync {
    /// Hands a command over and returns at once.
    fn post(&self, command: EngineCommand);

    /// The same for what concerns the port; a board without one has nothing to do.
    fn post_port(&self, _command: PortCommand) {}
}
