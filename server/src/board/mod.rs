//! Boards: one actor task owns each board's link, everyone else holds a cheap handle.

mod raw_prompt;
pub mod session;
