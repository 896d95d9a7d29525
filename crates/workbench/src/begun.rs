//! Virtual boards on which a run has just begun, kept so that whoever begins the same run goes on from there.
//!
//! The way from a booted board to its uploaded program is decided by the seed, the program, its settings and what is on the
//! pins; from there to the run's first counters by the run's number and length as well. A class that presses Run at the same
//! moment goes it once.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parts::Wiring;

use crate::line::{Drive, Fork};
use crate::session::{LinkTime, RunOrder, SessionEvent, Setting};

/// So many are kept, of half a megabyte each: those that were asked for last.
const KEPT: usize = 8;

/// All that decides a virtual board's way from its boot to the end of an upload.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Way {
    seed: u64,
    program: String,
    settings: Vec<(String, Setting)>,
    wiring: Arc<Wiring>,
}

impl Way {
    /// `None` if files that the board has kept decide as well.
    pub(crate) fn new(seed: u64, order: &RunOrder, wiring: &Arc<Wiring>) -> Option<Self> {
        let RunOrder { run: _, program, settings, limit: _, keeps_files, mount_anew } = order;
        let alone = !keeps_files && !mount_anew;
        let (program, settings, wiring) = (program.clone(), settings.clone(), Arc::clone(wiring));
        alone.then_some(Self { seed, program, settings, wiring })
    }
}

/// How far a board has come on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Milestone {
    /// The program is uploaded; nothing was said yet of which run it is.
    Uploaded,
    /// The first counters of this run, of this length, have come.
    Counting { run: u32, limit: Duration },
}

impl Milestone {
    /// The one that a run of this order comes to last.
    pub(crate) fn counting(order: &RunOrder) -> Self {
        Self::Counting { run: order.run, limit: order.limit }
    }
}

/// What was found out, and when.
pub(crate) type Heard = Vec<(LinkTime, SessionEvent)>;

/// A board that has come so far, and what was heard of it on the way.
#[derive(Debug)]
pub(crate) struct Begun<L> {
    pub(crate) drive: Drive<L>,
    pub(crate) heard: Heard,
}

/// The boards that are kept, the one that was asked for last in front.
#[derive(Debug)]
pub struct BegunBoards<L> {
    kept: Mutex<VecDeque<(Milestone, Way, Begun<L>)>>,
}

impl<L> Default for BegunBoards<L> {
    fn default() -> Self {
        Self { kept: Mutex::default() }
    }
}

impl<L: Fork> BegunBoards<L> {
    fn kept(&self) -> MutexGuard<'_, VecDeque<(Milestone, Way, Begun<L>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A board of the caller's own that has come so far on this way, if one is kept.
    pub(crate) fn take(&self, way: &Way, milestone: Milestone) -> Option<Begun<L>> {
        let mut kept = self.kept();
        let at = kept.iter().position(|(reached, known, _)| *reached == milestone && known == way)?;
        let mut found = kept.remove(at)?;
        let taken = Begun { drive: found.2.drive.fork(), heard: found.2.heard.clone() };
        kept.push_front(found);
        Some(taken)
    }

    /// Keeps a board like this one, unless one is kept already.
    pub(crate) fn keep(&self, way: &Way, milestone: Milestone, drive: &mut Drive<L>, heard: &Heard) {
        let mut kept = self.kept();
        if !kept.iter().any(|(reached, known, _)| *reached == milestone && known == way) {
            kept.push_front((milestone, way.clone(), Begun { drive: drive.fork(), heard: heard.clone() }));
            kept.truncate(KEPT);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;
    use crate::emulated::{BootedBoard, EmulatedLine};
    use crate::engine::{EngineCommand, EngineReport, Speed};
    use crate::line::Line as _;
    use crate::paced::{Kept, Next, PacedBoard, Source as _};
    use crate::test_board;

    const PROGRAM: &str = "\
import lab
n = 0
def tick(t):
    global n
    n += 1
lab.timer(tick)
print('begun')
while lab.running():
    pass
";

    fn order(run: u32, rate: i32) -> RunOrder {
        let settings = vec![("rate".to_owned(), Setting::Number(rate))];
        let limit = Duration::from_secs(1);
        RunOrder { run, program: PROGRAM.to_owned(), settings, limit, ..RunOrder::default() }
    }

    fn board(source: &BootedBoard) -> PacedBoard<EmulatedLine> {
        PacedBoard::new(Duration::ZERO, Arc::new(source.clone()))
    }

    /// A source that nobody has run anything on.
    fn source() -> BootedBoard {
        test_board().with_nothing_begun()
    }

    fn begin(board: &mut PacedBoard<EmulatedLine>, order: RunOrder, seed: u64) {
        board.take_reports();
        board.obey(Duration::ZERO, Duration::ZERO, EngineCommand::Start { order, seed, wiring: Arc::default() });
    }

    fn slice_of_one_step(board: &mut PacedBoard<EmulatedLine>) {
        let looks = Cell::new(0);
        let clock = || {
            looks.set(looks.get() + 1);
            Duration::from_secs(looks.get())
        };
        board.slice(&clock, &mut Kept);
    }

    fn link(report: EngineReport) -> Option<(LinkTime, SessionEvent)> {
        match report {
            EngineReport::Session { link, event, .. } => Some((link, event)),
            _ => None,
        }
    }

    /// All that a board tells from its start to the end of its run, and how often it looked at the clock: once for each
    /// step, and once for each slice. Its pace is followed, so that a second takes none.
    fn rest(board: &mut PacedBoard<EmulatedLine>) -> (Heard, usize) {
        let mut told: Heard = board.take_reports().into_iter().filter_map(link).collect();
        let (looks, now) = (Cell::new(0), Cell::new(Duration::ZERO));
        let clock = || {
            looks.set(looks.get() + 1);
            now.get()
        };
        for _ in 0..10_000 {
            match board.slice(&clock, &mut Kept) {
                Next::At(at) | Next::Urgent { at, .. } => now.set(now.get().max(at)),
                Next::Woken => {}
            }
            told.extend(board.take_reports().into_iter().filter_map(link));
            if let Some(end) = told.iter().position(|(_, event)| matches!(event, SessionEvent::RunEnded(_))) {
                told.truncate(end + 1);
                return (told, looks.get());
            }
        }
        panic!("the run does not end: {told:?}");
    }

    /// How many steps each of these boards needs for the same run of what they tell.
    fn steps<const N: usize>(boards: [&mut PacedBoard<EmulatedLine>; N]) -> [usize; N] {
        let all = boards.map(rest);
        for (told, _) in &all {
            assert_eq!(*told, all[0].0);
        }
        all.map(|(_, steps)| steps)
    }

    #[test]
    fn a_run_that_goes_on_where_others_were_is_the_same_run_and_there_sooner() {
        let source = source();
        let [mut first, mut second, mut third] = [(); 3].map(|()| board(&source));
        begin(&mut first, order(1000, 100), 7);
        // This one is on its way already.
        begin(&mut second, order(1000, 100), 7);
        slice_of_one_step(&mut second);
        let first = steps([&mut first])[0];
        begin(&mut third, order(1000, 100), 7);
        let [second, third] = steps([&mut second, &mut third]);
        assert!(
            third < first && second < first,
            "{first} steps, {second} for one on the way, {third} for one that came later"
        );

        // Another number is another run, with the same way to its upload.
        let (mut alone, mut later) = (board(&self::source()), board(&source));
        for board in [&mut alone, &mut later] {
            begin(board, order(1001, 100), 7);
        }
        let [alone, later] = steps([&mut alone, &mut later]);
        assert!(third < later && later < alone, "{third}, {later} and {alone} steps");
    }

    #[test]
    fn slow_motion_begins_with_the_program() {
        let source = source();
        let way = Way::new(7, &order(1000, 100), &Arc::default()).unwrap();
        let mut usual = board(&source);
        begin(&mut usual, order(1000, 100), 7);
        rest(&mut usual);
        let counting = source.begun().take(&way, Milestone::counting(&order(1000, 100))).unwrap();
        let mut slow = board(&source);
        let speed = Speed { factor: 0.001, paused: false };
        slow.obey(Duration::ZERO, Duration::ZERO, EngineCommand::Pace(speed));
        begin(&mut slow, order(1000, 100), 7);
        for _ in 0..100 {
            slow.slice(&|| Duration::ZERO, &mut Kept);
        }
        let told: Vec<_> = slow.take_reports().into_iter().filter_map(link).collect();
        assert!(!told.is_empty() && told.iter().all(|(link, _)| *link < counting.drive.line.now()), "{told:?}");
    }

    #[test]
    fn whoever_interferes_goes_all_the_way() {
        let source = source();
        let mut first = board(&source);
        begin(&mut first, order(1000, 100), 7);
        let first = steps([&mut first])[0];
        let mut typist = board(&source);
        begin(&mut typist, order(1000, 100), 7);
        typist.obey(Duration::ZERO, Duration::ZERO, EngineCommand::Type("x".to_owned()));
        assert_eq!(rest(&mut typist).1, first);
        let mut other = board(&source);
        begin(&mut other, order(1000, 100), 8);
        assert!(rest(&mut other).1 > 0, "another seed is another way");
        assert!(
            source
                .begun()
                .take(&Way::new(9, &order(1000, 100), &Arc::default()).unwrap(), Milestone::Uploaded)
                .is_none()
        );
    }

    #[test]
    fn the_latest_are_kept() {
        let source = source();
        let way = |seed| Way::new(seed, &order(1000, 100), &Arc::default()).unwrap();
        let take = |seed| source.begun().take(&way(seed), Milestone::Uploaded);
        for seed in 0..=KEPT as u64 {
            let mut drive = source.fresh(seed).unwrap();
            source.begun().keep(&way(seed), Milestone::Uploaded, &mut drive, &Heard::new());
            assert!(take(0).is_some());
        }
        assert!(take(1).is_none(), "it was asked for longest ago");
        let files = RunOrder { keeps_files: true, ..order(1000, 100) };
        assert_eq!(Way::new(1, &files, &Arc::default()), None);
    }
}
