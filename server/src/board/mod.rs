//! Boards: one actor task owns each board's link, everyone else holds a cheap handle.

pub mod actor;
pub mod attached;
pub mod attached_engine;
mod console_out;
pub mod description;
pub mod discovery;
pub mod emulated;
pub mod engine;
pub mod flash;
pub mod line;
pub mod pace;
pub mod paced;
pub mod pool;
mod raw_prompt;
pub mod registry;
mod seldom;
pub mod serial;
pub mod session;
pub mod state;

pub use actor::{Board, BoardRefusal};
pub use state::{BoardFault, BoardId, BoardKind, BoardState, BoardStatus};
