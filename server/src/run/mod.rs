//! Runs without a page: one headless run, and the judgement of the whole course.
