//! Real things as programs of one's own with their wiring, run as a maker runs them headless: `isrlab run workshop`. What they
//! print must be what the parts did and what the record of the pins shows, whether callbacks are hard or soft.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod contacts;
mod pins;
mod run;
mod signals;

/// Callbacks within the interrupt, and scheduled ones.
const KINDS: [bool; 2] = [true, false];
