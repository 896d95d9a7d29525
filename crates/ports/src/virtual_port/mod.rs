//! A virtual board as a serial port for any other tool: `isrlab virtual`.
//!
//! Three parts that know little of each other: a *socket* that offers the port to other programs ([`pty`],
//! [`network`]; asynchronous), the [`Cable`] in the middle, and the *board* at its other end, an emulator in a thread of
//! its own that keeps pace with the wall clock ([`paced`]). Whoever has nothing to do sleeps until the cable wakes it.

mod cable;
pub mod flash_file;
pub mod network;
pub mod paced;
#[cfg(unix)]
pub mod pty;

pub use cable::{Cable, HostAction};
