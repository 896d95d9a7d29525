//! Contacts: a door bell, a rain gauge, an encoder at speed.

use super::KINDS;
use super::run::run;

#[test]
fn a_door_bell_rings_once_for_each_press_however_it_bounces() {
    for hard in KINDS {
        let moves: Vec<_> = (0..4)
            .flat_map(|n| [(300 + n * 800, "bell button", "pressed", 1), (400 + n * 800, "bell button", "pressed", 0)])
            .collect();
        let ran = run("door-bell", hard, &moves, 3);
        let rings: Vec<_> = ran.lines.iter().filter(|line| line.starts_with("ding dong")).collect();
        assert_eq!(rings, ["ding dong 1", "ding dong 2", "ding dong 3", "ding dong 4"], "hard={hard}");
        assert!(ran.pins.falls(10) > 8, "{} falls: the button does not bounce", ran.pins.falls(10));
        // The light is on for as long as each ring: 300 ms of 880 Hz, 300 ms of 660 Hz.
        let lit_ms: Vec<_> = ran.pins.highs_ns(7).iter().map(|ns| ns / 1_000_000).collect();
        assert!(lit_ms.len() == 4 && lit_ms.iter().all(|ms| (600..=603).contains(ms)), "hard={hard}: {lit_ms:?} ms");
        let swings = ran.pins.of(4).len();
        assert!((4 * 920..=4 * 926).contains(&swings), "hard={hard}: {swings} swings");
        assert_eq!(ran.shown("bell")["frequency_mhz"], 0, "it is silent again");
    }
}

#[test]
fn a_rain_gauge_counts_each_tip_once_however_it_bounces() {
    for hard in KINDS {
        let ran = run("rain-gauge", hard, &[(200, "bucket", "tips", 9)], 3);
        assert_eq!(ran.lines.last().map(String::as_str), Some("tips 9 rain 2.51 mm"), "hard={hard}: {:?}", ran.lines);
        assert_eq!((ran.number("bucket", "tips"), ran.number("bucket", "waiting")), (9, 0));
        assert!(ran.pins.falls(5) > 18, "{} falls: the contact does not bounce", ran.pins.falls(5));
    }
}

#[test]
fn an_encoder_is_followed_at_5000_edges_a_second_by_a_hard_callback() {
    let moves = [(200, "knob", "turn_steps", 1000), (1300, "knob", "turn_steps", -1400)];
    let [hard, soft] = KINDS.map(|hard| run("encoder", hard, &moves, 3));
    for ran in [&hard, &soft] {
        // Each pin rose once when the knob's resistor was connected.
        assert_eq!(ran.pins.of(5).len() + ran.pins.of(6).len() - 2, 4 * 2400);
        assert_eq!(ran.shown("knob")["steps"], -400);
    }
    let expected = ["turn", "place 1000.0 calls 4000 skipped 0", "place -400.0 calls 9600 skipped 0"];
    assert_eq!(hard.lines, expected);
    // Twenty times a second the board tells what it measured, for most of a millisecond in which main stands still. Each edge has
    // its soft call all the same; those that waited read levels newer than their edges, and may lose whole steps by that.
    let calls: Vec<_> = soft.numbers("place").iter().map(|numbers| numbers[0]).collect();
    assert_eq!(calls, [4000, 9600], "{:?}", soft.lines);
    let place: f64 = soft.lines[1].split(' ').nth(1).unwrap().parse().unwrap();
    assert!((950.0..=1000.0).contains(&place), "{:?}", soft.lines);
}

#[test]
fn an_encoder_is_followed_at_the_speed_of_a_hand_by_any_callback() {
    for hard in KINDS {
        // 2 ms from edge to edge: a turn of twenty steps in 160 ms.
        let moves =
            [(0, "knob", "step_us", 8000), (200, "knob", "turn_steps", 100), (1300, "knob", "turn_steps", -140)];
        let ran = run("encoder", hard, &moves, 3);
        let expected = ["turn", "place 100.0 calls 400 skipped 0", "place -40.0 calls 960 skipped 0"];
        assert_eq!(ran.lines, expected, "hard={hard}");
        assert_eq!(ran.shown("knob")["steps"], -40);
    }
}
