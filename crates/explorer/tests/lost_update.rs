//! Lesson L15 on the landed firmware: `count += 1`, interrupted at every instruction boundary.
//!
//! The counts are snapshot data of the statement alone, which is C code of the VM: they change with
//! MicroPython or its compiler (`cargo insta review`). What must not change is asserted: which
//! settings lose, and where the losing arrivals lie. Each snapshot's description is the reason for its numbers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

use std::fmt::Write as _;
use std::ops::ControlFlow;

use emulator::Source;
use explorer::explore::Arrivals;
use explorer::outcome::{Interval, Point, Verdict, intervals, statement, stretches};
use explorer::window::{Limits, Refusal, Window};

/// Timer 0 is SYSTIMER comparator 0 (`firmware/src/alarm.rs`).
const TIMER_0: Source = Source::SystimerTarget0;

/// `count == main_adds + isr_adds`; the driver reports main_adds, isr_adds, count.
fn nothing_lost(values: &[Option<i32>]) -> bool {
    matches!(values, [Some(main_adds), Some(isr_adds), Some(count)] if main_adds + isr_adds == *count)
}

/// Every arrival in a window.
struct Explored {
    window: Window,
    points: Vec<Point>,
}

impl Explored {
    fn of(settings: &[(&'static str, &'static str)]) -> Self {
        let mut window = support::lost_update_window(settings, Limits::default()).unwrap();
        let mut points = Vec::new();
        let all = 0..window.instructions() + 1;
        let _ = window.try_each(TIMER_0, all, |_, run| {
            let delivered = run.delivered.first().map(|delivery| delivery.instruction);
            points.push(Point { verdict: Verdict::of(&run, nothing_lost), delivered });
            ControlFlow::Continue(())
        });
        Self { window, points }
    }

    fn losing(&self) -> Vec<Interval> {
        intervals(&self.points).into_iter().filter(|interval| interval.verdict != Verdict::Kept).collect()
    }

    /// The bytecode in progress at a boundary, with its argument.
    fn bytecode(&self, at: u32) -> String {
        let place = self.window.boundaries[at as usize].place.expect("bytecode runs");
        let line = &self.window.listings[usize::from(place.listing)].lines[usize::from(place.instruction)];
        format!("{} {}", line.instruction.opcode, line.argument).trim_end().to_owned()
    }

    /// What the snapshot holds: the statement, bytecode by bytecode, and where arrivals lose. Calls
    /// are left out: they run the firmware's own Rust code, whose length is the compiler's affair.
    fn report(&self) -> String {
        let statement = statement(&self.window);
        let mut report = String::new();
        for stretch in stretches(&self.window.boundaries) {
            let bytecode = self.bytecode(stretch.from);
            if !statement.contains(&stretch.from) || bytecode.starts_with("CALL") {
                continue;
            }
            let points = &self.points[stretch.from as usize..stretch.to as usize];
            let lost = points.iter().filter(|point| point.verdict == Verdict::Lost).count();
            writeln!(report, "{:5} boundaries, {lost:4} lose: {bytecode}", points.len()).unwrap();
        }
        report
    }
}

#[test]
fn hard_plain_loses_in_one_interval_from_load_to_store() {
    let explored = Explored::of(&[("kind", "hard"), ("expression", "plain"), ("cure", "none")]);
    let [interval] = explored.losing()[..] else { panic!("not one interval: {:?}", explored.losing()) };
    assert_eq!(explored.bytecode(interval.from), "LOAD_GLOBAL count");
    assert_eq!(explored.bytecode(interval.to - 1), "STORE_GLOBAL count");
    let why = "196 of 295: main holds the old value from the load, 8 boundaries before the end of LOAD_GLOBAL, \
             to the store, 9 before the end of STORE_GLOBAL. A callback in between adds to a value that is \
             written over; before and after it adds for itself.";
    insta::with_settings!({ description => why }, { insta::assert_snapshot!(explored.report()) });
}

#[test]
fn hard_conditional_loses_in_one_longer_interval() {
    let explored = Explored::of(&[("kind", "hard"), ("expression", "conditional"), ("cure", "none")]);
    let [interval] = explored.losing()[..] else { panic!("not one interval: {:?}", explored.losing()) };
    assert_eq!(explored.bytecode(interval.from), "LOAD_GLOBAL count");
    assert_eq!(explored.bytecode(interval.to - 1), "STORE_GLOBAL count");
    let why = "As for the plain statement, but the value is held through the condition as well: 358 of 457.";
    insta::with_settings!({ description => why }, { insta::assert_snapshot!(explored.report()) });
}

#[test]
fn soft_plain_never_loses_because_it_has_no_jump() {
    let explored = Explored::of(&[("kind", "soft"), ("expression", "plain"), ("cure", "none")]);
    assert_eq!(explored.losing(), []);
    let why = "A queued callback runs after a jump, and none of the four instructions is one.";
    insta::with_settings!({ description => why }, { insta::assert_snapshot!(explored.report()) });
}

#[test]
fn soft_conditional_loses_whatever_is_queued_before_its_last_jump() {
    let explored = Explored::of(&[("kind", "soft"), ("expression", "conditional"), ("cure", "none")]);
    let [interval] = explored.losing()[..] else { panic!("not one interval: {:?}", explored.losing()) };
    // What was queued since the previous safe point counts, so it begins with the window itself.
    assert_eq!(interval.from, 0);
    assert!(explored.bytecode(interval.to - 1).starts_with("JUMP"), "{}", explored.bytecode(interval.to - 1));
    let why = "A callback that is queued here runs after POP_JUMP_IF_FALSE or JUMP, where main holds the old \
             value: 271 of 457, and those that arrived since the safe point before. In JUMP the queue is \
             looked at 5 boundaries before the end; what comes later waits for the loop's own jump.";
    insta::with_settings!({ description => why }, { insta::assert_snapshot!(explored.report()) });
}

#[test]
fn hard_with_disable_irq_never_loses_because_arrivals_wait() {
    let explored = Explored::of(&[("kind", "hard"), ("expression", "plain"), ("cure", "disable_irq")]);
    assert_eq!(explored.losing(), []);
    // The marks have short critical sections of their own, so only the statement is looked at.
    let deferred: Vec<u32> = statement(&explored.window)
        .filter_map(|at| explored.points[at as usize].delivered.filter(|&delivered| delivered > at + 2))
        .collect();
    assert!(deferred.len() > 100, "only {} arrivals waited", deferred.len());
    // All that arrive while interrupts are off are delivered at one place: where they come on again.
    let mut places = deferred.clone();
    places.dedup();
    assert_eq!(places.len(), 1, "{places:?}");
    let why = "Between disable_irq and enable_irq the interrupt is held back, and comes when main has stored.";
    insta::with_settings!({ description => why }, { insta::assert_snapshot!(explored.report()) });
}

#[test]
fn soft_conditional_loses_inside_disable_irq_too() {
    let explored = Explored::of(&[("kind", "soft"), ("expression", "conditional"), ("cure", "disable_irq")]);
    let losing = explored.losing();
    assert!(!losing.is_empty());
    // Only those lose that were queued before interrupts went off.
    let last = losing.last().unwrap().to - 1;
    assert!(explored.points[last as usize].delivered.unwrap() <= last + 2, "a deferred arrival lost an update");
    let why = "What arrived before interrupts went off is in the queue already, and runs after the condition's \
             jump, inside the section: all of LOAD_GLOBAL disable_irq. What arrives inside waits, and loses \
             nothing.";
    insta::with_settings!({ description => why }, { insta::assert_snapshot!(explored.report()) });
}

/// A thousand arrivals by three ways: fork and fast engine, deep copy and plain engine, and the
/// timer's own deadline instead of an injection.
#[test]
fn three_ways_to_an_outcome_agree() {
    let cases = [
        [("kind", "hard"), ("expression", "conditional"), ("cure", "disable_irq")],
        [("kind", "soft"), ("expression", "conditional"), ("cure", "none")],
        [("kind", "hard"), ("expression", "plain"), ("cure", "none")],
    ];
    let mut points = 0;
    for settings in cases {
        let mut fast = support::lost_update_window(&settings, Limits::default()).unwrap();
        let mut plain = fast.on_plain_engine();
        let mut timed = fast.fork();
        for at in (0..=fast.instructions()).step_by(4) {
            let arrivals = Arrivals { source: TIMER_0, at: &[at] };
            let run = fast.try_arrivals(&arrivals);
            assert_eq!(run, plain.try_arrivals(&arrivals), "{settings:?}, plain engine, arrival {at}");
            if at % 64 == 0 {
                assert_eq!(fast.state_hash(), plain.state_hash(), "{settings:?}, state, arrival {at}");
            }
            assert_eq!(run, timed.try_alarm(TIMER_0, at).unwrap(), "{settings:?}, own deadline, arrival {at}");
            points += 1;
        }
    }
    assert!(points >= 1000, "{points}");
}

#[test]
fn two_interrupts_are_two_callbacks_or_merge_into_one() {
    let settings = [("kind", "hard"), ("expression", "plain"), ("cure", "own_counters")];
    let mut window = support::lost_update_window(&settings, Limits::default()).unwrap();
    let mut callbacks = Vec::new();
    for second in (0..3 * window.instructions()).step_by(173) {
        let run = window.try_arrivals(&Arrivals { source: TIMER_0, at: &[0, second] });
        assert_eq!(run.end, None);
        assert!(nothing_lost(&run.values), "{:?}", run.values);
        callbacks.push(run.values[1].unwrap());
    }
    assert!(callbacks.is_sorted(), "{callbacks:?}");
    assert_eq!((callbacks[0], callbacks[callbacks.len() - 1]), (1, 2));
}

#[track_caller]
fn refused(program: &str, limits: Limits) -> Refusal {
    support::window_of(&[], program, "", limits).expect_err("nothing to explore")
}

#[test]
fn a_program_without_marks_is_refused() {
    assert!(matches!(refused("count = 1\n", Limits::default()), Refusal::NoBegin { mark: 1, .. }));
}

#[test]
fn a_program_that_fails_before_its_mark_is_refused() {
    assert!(matches!(refused("import lab\nlab.mark(1 // 0)\n", Limits::default()), Refusal::NoBegin { .. }));
}

#[test]
fn a_window_that_never_ends_is_refused_with_the_limit() {
    let limits = Limits { window_instructions: 3000, ..Limits::default() };
    let refusal = refused("import lab\nlab.mark(1)\nwhile True: pass\n", limits);
    assert!(matches!(refusal, Refusal::TooLong { limit: 3000 }), "{refusal}");
}

#[test]
fn a_window_of_a_million_instructions_is_refused() {
    let refusal =
        refused("import lab\nlab.mark(1)\nfor i in range(20000): pass\nlab.mark(2)\nlab.mark(3)\n", Limits::default());
    assert!(matches!(refusal, Refusal::TooLong { limit: 50_000 }), "{refusal}");
}

#[test]
fn arrivals_that_crash_the_program_are_an_outcome_of_their_own() {
    // The callback works until main is inside the statement, then it never returns.
    let program = "\
import lab
inside = False
def tick(t):
    while inside: pass
timer = lab.timer(tick)
lab.mark(0)
lab.mark(1)
inside = True
inside = False
lab.mark(2)
lab.mark(3)
";
    let settings = [("kind", "hard")];
    let limits = Limits { run_instructions: 200_000, ..Limits::default() };
    let mut window = support::window_of(&settings, program, "", limits).unwrap();
    let mut seen = Vec::new();
    for at in (0..=window.instructions()).step_by(20) {
        let run = window.try_arrivals(&Arrivals { source: TIMER_0, at: &[at] });
        seen.push(Verdict::of(&run, |_| true));
    }
    assert!(seen.contains(&Verdict::Kept) && seen.contains(&Verdict::Endless), "{seen:?}");
}
