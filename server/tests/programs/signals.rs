//! What talks by the lengths of its pulses, or by a line: a range finder, an infrared receiver, a strip of lights, a GPS.

use serde_json::json;

use super::KINDS;
use super::run::run;

#[test]
fn a_range_finder_measures_each_echo_by_its_two_edges() {
    for hard in KINDS {
        let moves = [(500, "ranger", "distance_mm", 310), (1300, "ranger", "distance_mm", 5000)];
        let ran = run("range-finder", hard, &moves, 2);
        // The first measurement, which is not shown, brings the callback into the cache.
        let echoes_us: Vec<_> = ran.pins.highs_ns(3)[1..].iter().map(|ns| (ns / 1000) as i64).collect();
        assert!(ran.lines.len() >= 10 && ran.lines.len().abs_diff(echoes_us.len()) <= 1, "{ran:?}");
        // Both edges come late by the same time, but for what the first finds out of the flash's cache after main's sleep.
        let slack_us = 100;
        for (line, echo_us) in ran.lines.iter().zip(&echoes_us) {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                [us, "us,", mm, "mm"] => {
                    let (us, mm) = (us.parse::<i64>().unwrap(), mm.parse::<i64>().unwrap());
                    assert!((us - echo_us).abs() <= slack_us, "hard={hard}: {us} us of {echo_us}");
                    let true_mm = if *echo_us > 5000 { 1200 } else { 310 };
                    assert!((mm - true_mm).abs() <= 4 + slack_us / 5, "hard={hard}: {mm} mm of {true_mm}");
                }
                _ => assert!(line == "nothing in sight" && *echo_us == 38_000, "hard={hard}: {line}, {echo_us} us"),
            }
        }
        let nothing = ran.lines.iter().filter(|line| *line == "nothing in sight").count();
        assert!(nothing >= 3 && nothing < ran.lines.len() - 5, "{:?}", ran.lines);
        assert_eq!(ran.number("ranger", "ignored"), 0);
    }
}

#[test]
fn a_remote_control_is_decoded_while_it_talks() {
    for hard in KINDS {
        let moves = [
            (200, "remote", "code", 0x12A7),
            (220, "remote", "repeats", 3),
            (900, "remote", "code", 0x00FF),
            (1100, "remote", "code", 0x8001),
        ];
        let ran = run("infrared", hard, &moves, 2);
        let expected = [
            "press a key",
            "frame 1 address 18 command 167 sound",
            "held 1",
            "held 2",
            "held 3",
            "frame 2 address 0 command 255 sound",
            "frame 3 address 128 command 1 sound",
        ];
        // A sample of the telemetry holds main, and with it a soft callback, for up to a millisecond: a short bit then reads as a
        // long one, and the frame's inverted bytes tell.
        let broken = |line: &str| !hard && line.starts_with("frame") && line.ends_with("broken");
        let differing: Vec<_> = ran.lines.iter().zip(expected).filter(|(line, expected)| line != expected).collect();
        assert_eq!(ran.lines.len(), expected.len(), "hard={hard}: {:?}", ran.lines);
        assert!(differing.len() <= 1 && differing.iter().all(|(line, _)| broken(line)), "hard={hard}: {differing:?}");
        let shown = json!({ "what": "infrared", "frames": 3, "repeats": 3, "waiting": 0 });
        assert_eq!(ran.shown("remote"), &shown);
        // A frame is 34 marks, a repeat 2.
        assert_eq!(ran.pins.falls(3), 3 * 34 + 3 * 2);
    }
}

#[test]
fn a_strip_gets_whole_frames_while_a_timer_interrupts_a_thousand_times_a_second() {
    for hard in KINDS {
        let moves = [(950, "round", "pressed", 1), (1050, "round", "pressed", 0), (2250, "round", "pressed", 1)];
        let ran = run("strip", hard, &moves, 3);
        let shown = ran.shown("strip");
        assert_eq!((&shown["bad_pulses"], &shown["stray_bits"]), (&json!(0), &json!(0)), "hard={hard}");
        let rounds = ran.numbers("round");
        let [[first, first_drawn], [second, second_drawn]] = [&rounds[0][..], &rounds[1][..]] else {
            panic!("hard={hard}: {:?}", ran.lines)
        };
        assert_eq!(rounds.len(), 2, "hard={hard}: {:?}", ran.lines);
        // It runs back from the first round to the one before the second.
        let back = second_drawn - first_drawn - 1;
        assert!(back > 8, "{rounds:?}");
        assert_eq!((first - back + 1).rem_euclid(8), *second, "{rounds:?}");
        let frames = ran.number("strip", "frames") as i64;
        let place = (second + frames - second_drawn).rem_euclid(8) as usize;
        let mut colours = vec![[0, 0, 0]; 8];
        colours[place] = [40, 0, 7];
        assert_eq!(shown["colours"], json!(colours), "hard={hard}, {frames} frames");
        // Eight lights of 24 bits, each a pulse within the data sheet's bounds.
        let highs_ns = ran.pins.highs_ns(8);
        assert_eq!(highs_ns.len() as i64, frames * 8 * 24);
        assert!(highs_ns.iter().all(|ns| (250..=550).contains(ns) || (650..=950).contains(ns)));
        assert!((48..=51).contains(&frames), "hard={hard}: {frames} frames of 100 ms");
    }
}

#[test]
fn a_gps_is_read_sentence_by_sentence_when_its_line_falls_silent() {
    for hard in KINDS {
        let moves = [
            (1000, "gps", "latitude_udeg", -33_868_800),
            (1000, "gps", "longitude_udeg", -70_650_000),
            (2000, "gps", "fix", 0),
        ];
        let ran = run("gps", hard, &moves, 3);
        let near = |line: usize, expected: [i64; 2]| {
            let words: Vec<_> = ran.lines[line].split(' ').collect();
            let found: Vec<i64> = words[1..3].iter().map(|word| word.parse().unwrap()).collect();
            // A ten-thousandth of a minute is 1.7 millionths of a degree.
            assert!(
                found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() <= 2),
                "{:?}",
                ran.lines
            );
            format!("{} {}", words[0], words[3..].join(" "))
        };
        assert_eq!(near(0, [35_681_236, 139_767_125]), "120000 sentences 2 broken 0", "hard={hard}");
        assert_eq!(near(1, [-33_868_800, -70_650_000]), "120001 sentences 4 broken 0", "hard={hard}");
        assert_eq!(ran.lines[2], "120002 no fix sentences 6 broken 0", "hard={hard}");
        assert_eq!(ran.lines[3..], ["120003 no fix sentences 8 broken 0", "120004 no fix sentences 10 broken 0"]);
        assert_eq!(ran.number("gps", "sentences"), 10);
    }
}
