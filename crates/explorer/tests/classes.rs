//! Arrivals in classes, against every arrival by itself, on lesson L15.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod support;

use emulator::Source;
use explorer::explore::Arrivals;
use explorer::outcome::statement;
use explorer::window::{Limits, Window};

const TIMER_0: Source = Source::SystimerTarget0;

fn window(kind: &'static str, expression: &'static str, cure: &'static str) -> Window {
    let settings = [("kind", kind), ("expression", expression), ("cure", cure)];
    support::lost_update_window(&settings, Limits::default()).unwrap()
}

#[test]
fn classes_say_what_every_arrival_says() {
    let cases = [
        ("hard", "plain", "none"),
        ("hard", "conditional", "none"),
        ("soft", "plain", "none"),
        ("soft", "conditional", "none"),
        ("hard", "plain", "disable_irq"),
        ("soft", "conditional", "disable_irq"),
        ("hard", "conditional", "own_counters"),
        ("soft", "conditional", "mutex"),
    ];
    for (kind, expression, cure) in cases {
        let mut window = window(kind, expression, cure);
        let positions: Vec<u32> = (0..=window.instructions()).collect();
        let partition = window.partition(TIMER_0, &[], &positions);
        let name = format!("{kind} {expression} {cure}");
        assert!(partition.sound(), "{name}: {:?}", partition.unsound);
        let mut next = 0;
        for class in &partition.classes {
            assert_eq!(class.members.start, next, "{name}");
            next = class.members.end;
            for &at in &positions[class.members.clone()] {
                let run = window.try_arrivals(&Arrivals { source: TIMER_0, at: &[at] });
                assert_eq!((&run.values, run.end), (&class.run.values, class.run.end), "{name}, arrival {at}");
            }
        }
        assert_eq!(next, positions.len(), "{name}");
        let inside = statement(&window);
        let in_statement = partition.classes.iter().filter(|class| {
            inside.contains(&(class.members.start as u32)) && inside.contains(&(class.members.end as u32 - 1))
        });
        eprintln!("{name}: {} classes, {} in the statement", partition.classes.len(), in_statement.count());
        assert!(partition.classes.len() * 4 < positions.len(), "{name}: {} classes", partition.classes.len());
    }
}

#[test]
fn nothing_is_left_out_where_somebody_looks_at_the_time() {
    let program = |main: &str, callback: &str| {
        format!(
            "\
import lab, time, random
seen = count = 0
def tick(t):
    global seen
    seen = {callback}
timer = lab.timer(tick)
lab.mark(0)
lab.mark(1)
count = {main}
lab.mark(2)
lab.mark(16, count)
lab.mark(3)
"
        )
    };
    let cases = [("1", "2", None), ("time.ticks_us()", "2", Some("clock")), ("1", "time.ticks_us()", Some("clock"))];
    for (main, callback, expected) in cases {
        let program = program(main, callback);
        let mut window = support::window_of(&[("kind", "hard")], &program, "", Limits::default()).unwrap();
        let positions: Vec<u32> = (0..=window.instructions()).collect();
        let partition = window.partition(TIMER_0, &[], &positions);
        assert_eq!(partition.unsound, expected, "main {main}, callback {callback}");
        assert_eq!(partition.classes.len() == positions.len(), expected.is_some());
    }
}
