//! The host's time, as it is handed in.

use std::time::Duration;

/// A moment of the host's clock: how long after a beginning that the host chose once. It never goes back.
pub type Moment = Duration;
