//! Runs without a page: one headless run, and the judgement of the whole course.

pub mod check;
pub mod explore;
pub mod headless;
pub mod judge;
pub mod record;
pub mod validate;
