//! The bench in a learner's own tab: a board, its desk and the course behind a few functions that JavaScript calls.
//!
//! A worker holds one instance of the module. It loads the flash image and the lessons, boots the board once, and then
//! either carries out whole runs ([`Tab::headless_run`]), checks and explorations ([`Tab::job`]), or keeps a live bench
//! ([`Tab::command`], [`Tab::step`]). All that goes over the border is JSON and bytes; time is handed in. The module imports
//! one function, which hears of progress and answers nothing: it cannot touch the page, the network or a clock.
//!
//! `border` is the interface itself, and the only place where memory is shared.

pub mod border;
mod jobs;
mod live;
mod tab;
mod trouble;

pub use tab::Tab;
pub use trouble::{Trouble, TroubleAnswer};
