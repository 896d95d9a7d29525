//! Parts on a virtual board: wirings as data, edges in the machine, exports, and programs of real
//! things with the lesson firmware.

#![expect(clippy::panic, reason = "a test ends where something is not as expected")]

mod export;
mod machine;
mod programs;
mod wake;
mod wiring;

use parts::{Draft, Wiring};

/// A sound wiring, from TOML.
#[track_caller]
fn wiring(text: &str) -> Wiring {
    let draft: Draft = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    draft.check().unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}
