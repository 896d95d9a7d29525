//! Every part that moves by itself, from event to event and asked at every single tick: the edges
//! must be the same.

use emulator::bus::Tick;
use emulator::pins::Drive;
use proptest::prelude::*;

use super::bench::Bench;
use crate::time::from_us;

/// A part, the pins that the chip moves, and the controls that a hand moves.
struct Case {
    part: &'static str,
    chip: &'static [usize],
    hands: &'static [(&'static str, i64, i64)],
}

const CASES: [Case; 8] = [
    Case { part: r#""kind":"button","pins":{"contact":3},"bounce_us":600"#, chip: &[], hands: &[("pressed", 0, 1)] },
    Case {
        part: r#""kind":"encoder","pins":{"a":3,"b":4},"step_us":160,"bounce_us":50"#,
        chip: &[],
        hands: &[("turn_steps", -2, 2), ("pressed", 0, 1)],
    },
    Case {
        part: r#""kind":"pulses","pins":{"out":3},"period_ns":33333,"high_ns":9000,"jitter_ns":3000,"missing_permille":200,"burst_pulses":5,"pause_us":70"#,
        chip: &[],
        hands: &[("running", 0, 1), ("period_ns", 20_000, 60_000)],
    },
    Case {
        part: r#""kind":"hall","pins":{"out":3},"magnets":64,"rpm":30000"#,
        chip: &[],
        hands: &[("rpm", 0, 90_000)],
    },
    Case {
        part: r#""kind":"rain-gauge","pins":{"contact":3},"closed_ms":1,"bounce_us":300"#,
        chip: &[],
        hands: &[("tips", 1, 2)],
    },
    Case {
        part: r#""kind":"hc-sr04","pins":{"trigger":3,"echo":4},"distance_mm":60"#,
        chip: &[0],
        hands: &[("distance_mm", 0, 100)],
    },
    Case {
        part: r#""kind":"nec-receiver","pins":{"out":3}"#,
        chip: &[],
        hands: &[("code", 0, 0xFFFF), ("repeats", 1, 2)],
    },
    Case {
        part: r#""kind":"tmp117","pins":{"sda":3,"scl":4,"alert":5}"#,
        chip: &[0, 1],
        hands: &[("temperature_mc", -1000, 1000)],
    },
];

type Edges = Vec<Vec<(Tick, Drive)>>;

fn play(case: &Case, acts: &[(u64, bool, usize, u64)], run: fn(&mut Bench, Tick)) -> Edges {
    let mut bench = Bench::of(&format!(r#"{{"name":"p",{}}}"#, case.part));
    for &(us, hand, which, value) in acts {
        let until = bench.now + from_us(us);
        run(&mut bench, until);
        if hand || case.chip.is_empty() {
            let (key, min, max) = case.hands[which % case.hands.len()];
            bench.control(key, min + (value % (max - min + 1).unsigned_abs()) as i64);
        } else {
            bench.pin(case.chip[which % case.chip.len()], value % 2 == 1);
        }
    }
    let until = bench.now + from_us(500);
    run(&mut bench, until);
    bench.all_drives().to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn from_event_to_event_is_tick_by_tick(
        case in 0..CASES.len(),
        acts in prop::collection::vec((0_u64..400, any::<bool>(), 0_usize..4, any::<u64>()), 1..8),
    ) {
        let case = &CASES[case];
        prop_assert_eq!(play(case, &acts, Bench::run_until), play(case, &acts, Bench::crawl_until), "{}", case.part);
    }
}
