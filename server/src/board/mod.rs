//! The boards of this workbench: one actor task owns each board, everyone else holds a cheap handle.

pub mod actor;
pub mod paced;
pub mod pool;
pub mod registry;

pub use actor::Board;
pub use workbench::desk::BoardRefusal;
