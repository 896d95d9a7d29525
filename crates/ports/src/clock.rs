//! This machine's clock, as the workbench takes it.

use std::sync::OnceLock;
use std::time::Instant;

use workbench::clock::Moment;

/// The beginning of all moments of this process.
fn beginning() -> Instant {
    static BEGINNING: OnceLock<Instant> = OnceLock::new();
    *BEGINNING.get_or_init(Instant::now)
}

/// This moment.
#[must_use]
pub fn now() -> Moment {
    beginning().elapsed()
}

/// A moment as an instant of this process; one beyond what the system counts is put off by a century.
#[must_use]
pub fn instant(moment: Moment) -> Instant {
    const CENTURY: Moment = Moment::from_secs(100 * 365 * 24 * 3600);
    beginning() + moment.min(CENTURY)
}
