//! What the explorer tells of single arrivals, on lesson L15.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

use emulator::Source;
use explorer::explore::Arrivals;
use explorer::story::{Side, Story};
use explorer::window::Limits;

fn told(settings: &[(&'static str, &'static str)], at: &[u32]) -> Story {
    let mut window = support::lost_update_window(settings, Limits::default()).unwrap();
    window.tell(&Arrivals { source: Source::SystimerTarget0, at })
}

/// `side reads|writes name = value`, for the shared variables.
fn steps(story: &Story) -> Vec<String> {
    let does = |writes| if writes { "writes" } else { "reads" };
    let told = story.shared_steps();
    told.map(|step| format!("{:?} {} {} = {}", step.side, does(step.writes), step.variable, step.value)).collect()
}

#[test]
fn a_lost_update_is_read_read_write_write() {
    let story = told(&[("kind", "hard"), ("expression", "conditional"), ("cure", "none")], &[600]);
    let expected = ["Main reads count = 4", "Hard reads count = 4", "Hard writes count = 5", "Main writes count = 5"];
    assert_eq!(steps(&story), expected);
    let [callback] = story.callbacks[..] else { panic!("{:?}", story.callbacks) };
    assert_eq!((callback.side, callback.instructions.0), (Side::Hard, story.run.delivered[0].instruction));
    assert!(callback.instructions.1.is_some() && !story.unfinished);
    let [count] = &story.shared[..] else { panic!("{:?}", story.shared) };
    assert_eq!((&count.before[..], &count.after[..]), ("4", "5"));
    assert_eq!(story.moment.unwrap().behind.len(), 6);
}

#[test]
fn a_soft_callback_is_queued_in_the_interrupt_and_runs_at_a_safe_point() {
    let story = told(&[("kind", "soft"), ("expression", "conditional"), ("cure", "none")], &[600]);
    let sides: Vec<Side> = story.callbacks.iter().map(|callback| callback.side).collect();
    assert_eq!(sides, [Side::Hard, Side::Soft]);
    assert_eq!(story.run.scheduled, [story.callbacks[1].instructions.0]);
    let expected = ["Main reads count = 4", "Soft reads count = 4", "Soft writes count = 5", "Main writes count = 5"];
    assert_eq!(steps(&story), expected);
}

#[test]
fn what_main_shares_with_functions_that_it_queued_itself_is_not_the_interrupts_affair() {
    let story = told(&[("kind", "hard"), ("expression", "conditional"), ("cure", "via_schedule")], &[600]);
    let shared: Vec<String> = story.shared.iter().map(|shared| shared.variable.to_string()).collect();
    assert_eq!(shared, ["count"]);
    let expected =
        ["Hard reads count = 4", "Hard writes count = 5", "Scheduled reads count = 5", "Scheduled writes count = 6"];
    assert_eq!(steps(&story), expected);
}

#[test]
fn a_story_ends_as_the_run_that_is_judged() {
    let settings = [("kind", "hard"), ("expression", "plain"), ("cure", "none")];
    let mut window = support::lost_update_window(&settings, Limits::default()).unwrap();
    for at in (0..=window.instructions()).step_by(97) {
        let arrivals = Arrivals { source: Source::SystimerTarget0, at: &[at] };
        let (run, story) = (window.try_arrivals(&arrivals), window.tell(&arrivals));
        assert_eq!(run, story.run, "arrival {at}");
        let count = story.shared.iter().find(|shared| shared.variable.to_string() == "count");
        // Where the callback ran inside the window, its end shows what is reported later.
        if let Some(count) = count.filter(|_| !story.unfinished) {
            assert_eq!(count.after.parse().ok(), run.values[2], "arrival {at}");
        }
    }
}

#[test]
fn what_a_broken_program_prints_is_kept() {
    let program = "\
import lab
count = 0
names = {}
def tick(t):
    global count
    count = None
timer = lab.timer(tick)
lab.mark(0)
lab.mark(1)
count += 1
lab.mark(2)
lab.mark(3)
";
    let limits = Limits { run_instructions: 400_000, ..Limits::default() };
    let mut window = support::window_of(&[("kind", "hard")], program, "", limits).unwrap();
    let broken = (0..=window.instructions()).step_by(7).find_map(|at| {
        let story = window.tell(&Arrivals { source: Source::SystimerTarget0, at: &[at] });
        story.run.end.is_some().then_some(story)
    });
    let broken = broken.expect("an arrival before the read ends in a TypeError");
    assert!(broken.console.contains("TypeError"), "{:?}", broken.console);
}
