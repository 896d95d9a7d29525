//! Parts on the pins of the virtual board: buttons that bounce, encoders, sensors, lights; and the
//! pins over time.
//!
//! ```text
//! Draft (TOML, JSON) --check--> Wiring --connect--> Wired: devices in the machine, moved and shown
//!                                                   Scope: edges to the tick --> VCD, Perfetto
//! ```
//!
//! The crate does no I/O, owns no thread and reads no clock. Virtual time and a run's seed move
//! everything; the same wiring, seed, moves and program give the same edges at the same ticks.

pub mod catalogue;
mod device;
mod draw;
mod lamps;
mod mistake;
mod models;
mod perfetto;
mod scope;
mod shown;
pub mod time;
mod tree;
mod vcd;
mod wired;
mod wiring;

pub use mistake::{Mistake, Mistakes, MoveError, Place, Reserved, Wanted};
pub use perfetto::{Arrow, Lane, Slice, Trace};
pub use scope::{Edge, Lost, Scope};
pub use shown::Shown;
pub use vcd::{TimeScale, Vcd};
pub use wired::{HEADER_PINS, Wired};
pub use wiring::{Draft, MAX_MOVES, MAX_NAME_CHARS, MAX_PARTS, Move, Placed, Wiring};
