//! Runs without a page: one headless run, and the judgement of the whole course.

pub mod headless;
pub mod judge;
pub mod record;
