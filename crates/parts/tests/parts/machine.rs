//! Parts as devices of a machine without firmware: exact ticks, seeds, snapshots and forks.

use emulator::bus::Tick;
use emulator::{Config, Machine};
use parts::time::{MICROSECOND, MILLISECOND, from_us};
use parts::{Edge, HEADER_PINS, MoveError, Scope, Shown, Wired};
use proptest::prelude::*;

use super::wiring;

const BUSY: &str = r#"
    [[parts]]
    kind = "button"
    name = "bell"
    pins = { contact = 10 }
    resistor = "fitted"
    [[parts]]
    kind = "encoder"
    name = "knob"
    pins = { a = 5, b = 6 }
    step_us = 3000
    bounce_us = 400
    [[parts]]
    kind = "pulses"
    name = "clock"
    pins = { out = 3 }
    period_ns = 700_000
    high_ns = 200_000
    jitter_ns = 20_000
    missing_permille = 100
    [[parts]]
    kind = "rain-gauge"
    name = "rain"
    pins = { contact = 4 }
    resistor = "fitted"
    closed_ms = 5
    [[parts]]
    kind = "nec-receiver"
    name = "remote"
    pins = { out = 7 }
    [[parts]]
    kind = "gps"
    name = "gps"
    pins = { tx = 20 }
    [[parts]]
    kind = "led"
    name = "lamp"
    pins = { anode = 8 }
    [[moves]]
    at_us = 2000
    part = "bell"
    control = "pressed"
    value = 1
    [[moves]]
    at_us = 40_000
    part = "bell"
    control = "pressed"
    value = 0
    [[moves]]
    at_us = 1000
    part = "knob"
    control = "turn_steps"
    value = 20
    [[moves]]
    at_us = 3000
    part = "rain"
    control = "tips"
    value = 3
    [[moves]]
    at_us = 1500
    part = "remote"
    control = "code"
    value = 0xA55A
"#;

fn bare() -> Machine {
    Machine::new(Config::default())
}

fn run(machine: &mut Machine, scope: &mut Scope, wired: &mut Wired, until: Tick) {
    while machine.ticks() < until {
        machine.run_until(until);
        wired.follow(&scope.take(machine));
    }
}

/// The edges of a run with this seed, cut at these instants.
fn edges(seed: u64, cuts: &[Tick]) -> (Vec<Edge>, u64) {
    let mut machine = bare();
    let mut wired = Wired::connect(&wiring(BUSY), seed, &mut machine).expect("room");
    let mut scope = Scope::begin(&mut machine, 100_000);
    for &cut in cuts.iter().chain([&(600 * MILLISECOND)]) {
        run(&mut machine, &mut scope, &mut wired, cut);
    }
    assert_eq!((scope.lost(), scope.unseen()), (None, 0));
    (scope.edges(HEADER_PINS, Tick::MAX).0, machine.state_hash())
}

#[test]
fn the_same_seed_gives_the_same_edges_however_the_run_is_divided() {
    let whole = edges(7, &[]);
    assert!(whole.0.len() > 1500, "{} edges", whole.0.len());
    assert_eq!(whole, edges(7, &[1, 12_345, 2001 * MICROSECOND, 77 * MILLISECOND, 500 * MILLISECOND]));
    assert_ne!(whole.0, edges(8, &[]).0);
}

#[test]
fn a_fork_goes_on_like_its_origin_and_a_snapshot_comes_back() {
    let mut machine = bare();
    let mut wired = Wired::connect(&wiring(BUSY), 7, &mut machine).expect("room");
    machine.run_until(3 * MILLISECOND);
    let mut fork = machine.fork();
    let mut other = wired.clone();
    let snapshot = machine.snapshot();
    let go_on = |machine: &mut Machine, wired: &mut Wired| {
        let mut scope = Scope::begin(machine, 100_000);
        wired.set_at(machine, 60 * MILLISECOND, "knob", "turn_steps", -3).expect("a sound move");
        run(machine, &mut scope, wired, 200 * MILLISECOND);
        (scope.edges(HEADER_PINS, Tick::MAX).0, wired.all_shown(machine), machine.state_hash())
    };
    let first = go_on(&mut machine, &mut wired);
    assert_eq!(first, go_on(&mut fork, &mut other));
    machine.restore(&snapshot);
    assert_eq!(first, go_on(&mut machine, &mut wired));
}

#[test]
fn a_machine_from_before_the_wiring_does_not_carry_the_parts() {
    let mut machine = bare();
    let before = machine.snapshot();
    let mut wired = Wired::connect(&wiring(BUSY), 7, &mut machine).expect("room");
    assert!(wired.shown(&machine, "bell").is_some());
    machine.restore(&before);
    assert_eq!(wired.shown(&machine, "bell"), None);
    let refused = wired.set(&mut machine, "bell", "pressed", 1).map_err(|error| error.code());
    assert_eq!(refused, Err("E-MOVE-CONNECTED"));
    wired.disconnect(&mut machine);
}

#[test]
fn moves_are_in_the_log_of_inputs() {
    let start = || {
        let mut machine = bare();
        let wired = Wired::connect(&wiring(BUSY), 7, &mut machine).expect("room");
        (machine, wired)
    };
    let (mut machine, mut wired) = start();
    machine.start_input_log();
    machine.run_until(30 * MILLISECOND);
    wired.set(&mut machine, "bell", "pressed", 1).expect("a sound move");
    wired.set_at(&mut machine, 50 * MILLISECOND, "rain", "tips", 2).expect("a sound move");
    machine.run_until(100 * MILLISECOND);
    let log = machine.input_log().expect("it was begun").clone();
    let (mut again, _) = start();
    again.replay(&log, machine.ticks());
    assert_eq!(again.state_hash(), machine.state_hash());
}

#[test]
fn an_edge_falls_on_its_tick() {
    let mut machine = bare();
    let text = "[[parts]]\nkind='pulses'\nname='g'\npins={out=3}\nperiod_ns=1_000_025\nhigh_ns=333_325\n";
    let _wired = Wired::connect(&wiring(text), 7, &mut machine).expect("room");
    let mut scope = Scope::begin(&mut machine, 10_000);
    machine.run_until(100 * MILLISECOND);
    scope.take(&mut machine);
    let (edges, _) = scope.edges(1 << 3, Tick::MAX);
    // An instruction of the bare ROM's loop lasts 24 ticks at most (crystal clock by two).
    for (n, pair) in edges.chunks(2).enumerate() {
        let rise = n as Tick * 480_012;
        assert!((rise..rise + 24).contains(&pair[0].tick), "pulse {n} at {} instead of {rise}", pair[0].tick);
        if let Some(fall) = pair.get(1) {
            assert!((rise + 159_996..rise + 159_996 + 24).contains(&fall.tick));
        }
    }
    assert!(edges.len() >= 200);
}

#[test]
fn controls_are_checked_and_bounded() {
    let mut machine = bare();
    let mut wired = Wired::connect(&wiring(BUSY), 7, &mut machine).expect("room");
    machine.run_until(MILLISECOND);
    let mut set = |part: &str, control: &str, value| {
        wired.set(&mut machine, part, control, value).err().map(|error| error.code()).unwrap_or_default()
    };
    assert_eq!(set("ball", "pressed", 1), "E-MOVE-PART");
    assert_eq!(set("bell", "turned", 1), "E-MOVE-CONTROL");
    assert_eq!(set("bell", "pressed", 2), "E-MOVE-RANGE");
    assert_eq!(set("lamp", "lit", 1), "E-MOVE-CONTROL");
    assert_eq!(set("bell", "pressed", 1), "");
    assert_eq!(wired.set_at(&mut machine, 5, "bell", "pressed", 1).map_err(|error| error.code()), Err("E-MOVE-PAST"));
    let later = machine.ticks() + from_us(10);
    let refused = (0..10_000).find_map(|_| wired.set_at(&mut machine, later, "bell", "pressed", 0).err());
    assert!(matches!(refused, Some(MoveError::TooMany { most: 4096 })), "{refused:?}");
    wired.disconnect(&mut machine);
}

#[test]
fn a_slider_is_heard_by_the_converter_at_its_time_and_a_wire_carries() {
    let mut machine = bare();
    let text = "[[parts]]\nkind='potentiometer'\nname='p'\npins={wiper=0}\n\
                [[parts]]\nkind='wire'\nname='w'\npins={from=4,to=5}\n\
                [[moves]]\nat_us=1000\npart='p'\ncontrol='position_permille'\nvalue=250\n";
    let mut wired = Wired::connect(&wiring(text), 7, &mut machine).expect("room");
    assert_eq!(wired.shown(&machine, "p"), Some(Shown::Slider { position_permille: 500, raw: 2047 }));
    machine.run_until(2 * MILLISECOND);
    assert_eq!(wired.shown(&machine, "p"), Some(Shown::Slider { position_permille: 250, raw: 1023 }));
    wired.set(&mut machine, "p", "position_permille", 1000).expect("a sound move");
    assert_eq!(wired.shown(&machine, "p"), Some(Shown::Slider { position_permille: 1000, raw: 4095 }));
    assert_eq!(wired.shown(&machine, "w"), Some(Shown::Wire { carries: None }));
    machine.set_pin(4, true);
    assert_eq!(wired.shown(&machine, "w"), Some(Shown::Wire { carries: Some(true) }));
    assert!(machine.pin(5).is_some_and(|state| state.level));
    wired.disconnect(&mut machine);
    assert!(machine.pin(5).is_some_and(|state| !state.level));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_hands_do_the_run_repeats_and_is_bounded(
        seed: u64,
        hands in prop::collection::vec((0_usize..5, -20_i64..20, 1_u64..40_000), 1..40),
    ) {
        let go = || {
            let mut machine = bare();
            let mut wired = Wired::connect(&wiring(BUSY), seed, &mut machine).expect("room");
            let mut scope = Scope::begin(&mut machine, 1000);
            for &(which, value, us) in &hands {
                let (part, control) = [
                    ("bell", "pressed"), ("knob", "turn_steps"), ("rain", "tips"), ("remote", "repeats"), ("clock", "running"),
                ][which];
                // What is out of bounds is refused, and changes nothing.
                let _ = wired.set(&mut machine, part, control, value);
                let until = machine.ticks() + from_us(us);
                run(&mut machine, &mut scope, &mut wired, until);
            }
            let edges = scope.edges(HEADER_PINS, Tick::MAX).0;
            (edges, scope.lost().cloned(), machine.state_hash())
        };
        let (edges, lost, hash) = go();
        prop_assert!(edges.windows(2).all(|pair| pair[0].tick <= pair[1].tick));
        prop_assert!(edges.len() <= 1000);
        prop_assert_eq!((edges, lost, hash), go());
    }
}
