//! All that a page asks of an exploration, one after the other: every arrival, the foretold share of losses, and pairs.

use std::cell::RefCell;

use super::{Exploration, ExploreError, ExploreRequest, Report, open, share};
use crate::emulated::BootedBoard;
use course::Lesson;

/// Opens the window of `lesson` and answers with the report, and with the window for looking at single arrivals. `go_on`
/// hears how many arrivals of how many are tried; false gives it up.
///
/// # Errors
/// [`ExploreError`].
pub fn whole(
    lesson: &Lesson,
    request: ExploreRequest,
    with_pairs: bool,
    boards: &BootedBoard,
    go_on: &mut dyn FnMut(u32, u32) -> bool,
) -> Result<(Exploration, Report), ExploreError> {
    let mut exploration = open(lesson, request, boards)?;
    let of = exploration.arrivals();
    let mut report = exploration.try_each(&mut |done| go_on(done, of))?;
    let shared = RefCell::new(&mut *go_on);
    let goes_on = || shared.borrow_mut()(of, of);
    report.predicted_share = share(lesson, exploration.request(), boards, &goes_on)?;
    if with_pairs {
        report.pairs = Some(exploration.pairs(true, &mut |_| go_on(of, of))?);
    }
    Ok((exploration, report))
}
