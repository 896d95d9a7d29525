//! Exports: the dump as sigrok-cli and a reader of our own understand it, the trace against the
//! published format.

use std::collections::BTreeMap;
use std::process::Command;

use emulator::bus::Tick;
use emulator::{Config, Machine};
use parts::time::{MILLISECOND, from_ns, to_ns};
use parts::{Arrow, Lane, Scope, Slice, TimeScale, Trace, Vcd, Wired};

use super::wiring;

const UNTIL: Tick = 20 * MILLISECOND;

fn recorded() -> Scope {
    let text = "[[parts]]\nkind='pulses'\nname='clock'\npins={out=3}\nperiod_ns=1_000_000\nhigh_ns=250_000\n\
                jitter_ns=50_000\n\
                [[parts]]\nkind='button'\nname='bell'\npins={contact=10}\nresistor='fitted'\n\
                [[moves]]\nat_us=5000\npart='bell'\ncontrol='pressed'\nvalue=1\n";
    let mut machine = Machine::new(Config::default());
    let _wired = Wired::connect(&wiring(text), 7, &mut machine).expect("room");
    let mut scope = Scope::begin(&mut machine, 10_000);
    machine.run_until(UNTIL);
    scope.take(&mut machine);
    scope
}

fn pins() -> Vec<(u8, String)> {
    vec![(3, "clock".to_owned()), (10, "the \"bell\"".to_owned())]
}

fn vcd(scale: TimeScale) -> Vcd {
    Vcd { scale, pins: pins(), comment: "blink.py, seed 7 $end".to_owned() }
}

#[test]
fn the_dump_contains_every_edge_at_its_nanosecond() {
    let scope = recorded();
    let dump = vcd(TimeScale::Ns1).write(&scope, UNTIL);
    let (head, body) = dump.split_once("$enddefinitions $end\n").expect("definitions end");
    assert!(head.contains("$timescale 1 ns $end"), "{head}");
    assert!(head.contains("$comment blink.py, seed 7  end $end"), "a comment cannot end itself: {head}");
    let mut names = BTreeMap::new();
    for line in head.lines().filter(|line| line.starts_with("$var")) {
        let fields: Vec<&str> = line.split(' ').collect();
        assert_eq!((fields[1], fields[2], fields[5]), ("wire", "1", "$end"));
        names.insert(fields[3].to_owned(), fields[4].to_owned());
    }
    assert_eq!(names.values().collect::<Vec<_>>(), ["GPIO3_clock", "GPIO10_the__bell_"]);
    let mut now = 0;
    let mut read = Vec::new();
    for line in body.lines() {
        if let Some(instant) = line.strip_prefix('#') {
            let instant: u64 = instant.parse().expect("a number");
            assert!(instant >= now, "time goes on");
            now = instant;
        } else if !line.starts_with('$') {
            let (level, code) = line.split_at(1);
            assert!(names.contains_key(code));
            read.push((now, names[code].clone(), level == "1"));
        }
    }
    assert_eq!(now, to_ns(UNTIL));
    let expected: Vec<(u64, String, bool)> = scope
        .edges(1 << 3 | 1 << 10, UNTIL)
        .0
        .iter()
        .map(|edge| (to_ns(edge.tick), names[if edge.pin == 3 { "$" } else { "+" }].clone(), edge.level))
        .collect();
    assert!(expected.len() > 40);
    assert_eq!(read[2..], expected);
}

#[test]
fn sigrok_reads_the_dump() {
    let scope = recorded();
    let folder = tempfile::tempdir().expect("a folder for the dump");
    let path = folder.path().join("pins.vcd");
    std::fs::write(&path, vcd(TimeScale::Us1).write(&scope, UNTIL)).expect("the dump is written");
    let read = Command::new("sigrok-cli")
        .arg("-i")
        .arg(&path)
        .args(["-I", "vcd", "-O", "csv:label=channel:header=false"])
        .output()
        .unwrap_or_else(|error| panic!("sigrok-cli cannot be run ({error}); `cargo xtask setup test` installs it"));
    let text = String::from_utf8_lossy(&read.stdout);
    assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
    let mut lines = text.lines().filter(|line| !line.starts_with(';') && !line.starts_with("META"));
    assert_eq!(lines.next(), Some("GPIO3_clock,GPIO10_the__bell_"), "{text}");
    // One line for each microsecond; what changes there must be our edges.
    let samples: Vec<&str> = lines.collect();
    let rises = samples.windows(2).filter(|pair| pair[0].starts_with('0') && pair[1].starts_with('1')).count();
    let ours = scope.edges(1 << 3, UNTIL).0.iter().filter(|edge| edge.level && edge.tick > 0).count();
    assert_eq!(rises, ours);
    assert!(samples.last().is_some_and(|last| last.ends_with(",0")), "the bell stays pressed");
    assert!((19_900..=20_001).contains(&samples.len()), "{} samples", samples.len());
}

#[test]
fn the_trace_keeps_the_published_format() {
    let scope = recorded();
    let slice = |from, to, name: &str| Slice { from: from_ns(from), to: from_ns(to), name: name.to_owned() };
    let trace = Trace {
        name: "door \"bell\"\n".to_owned(),
        pins: pins(),
        lanes: vec![
            Lane { name: "interrupt".to_owned(), slices: vec![slice(5_000_000, 5_002_100, "GPIO")], depths: vec![] },
            Lane { name: "callback".to_owned(), slices: vec![slice(5_040_000, 5_090_000, "on_press")], depths: vec![] },
            Lane {
                name: "queue".to_owned(),
                slices: vec![],
                depths: vec![(from_ns(5_001_000), 1), (from_ns(5_040_000), 0)],
            },
        ],
        arrows: vec![Arrow { from: (0, from_ns(5_000_000)), to: (1, from_ns(5_040_000)) }],
    };
    let json: serde_json::Value = serde_json::from_str(&trace.write(&scope, UNTIL)).expect("JSON");
    assert_eq!(json["displayTimeUnit"], "ns");
    let events = json["traceEvents"].as_array().expect("events");
    let mut rows = BTreeMap::new();
    let mut slices: BTreeMap<u64, Vec<(f64, f64)>> = BTreeMap::new();
    let mut flows = BTreeMap::new();
    for event in events {
        let row = event["tid"].as_u64().expect("every event has a row");
        assert!(event["pid"].is_u64() && event["name"].is_string());
        match event["ph"].as_str().expect("every event has a phase") {
            "M" if event["name"] == "thread_name" => {
                rows.insert(row, event["args"]["name"].as_str().expect("a name").to_owned());
            }
            "M" => assert!(event["args"].is_object()),
            "X" => {
                let (ts, dur) = (event["ts"].as_f64().expect("a time"), event["dur"].as_f64().expect("a length"));
                assert!(ts >= 0.0 && dur >= 0.0 && event["cat"].is_string());
                slices.entry(row).or_default().push((ts, dur));
            }
            "C" => assert!(event["ts"].is_f64() && event["args"]["value"].is_i64()),
            phase @ ("s" | "f") => {
                assert!(event["id"].is_u64() && event["ts"].is_f64() && event["cat"].is_string());
                assert_eq!(event["bp"] == "e", phase == "f");
                flows.entry(event["id"].as_u64()).or_insert_with(Vec::new).push((row, event["ts"].as_f64()));
            }
            other => panic!("no event of phase {other} is written"),
        }
    }
    assert_eq!(
        rows.into_values().collect::<Vec<_>>(),
        ["clock (GPIO3)", "the \"bell\" (GPIO10)", "interrupt", "callback", "queue"]
    );
    for (row, slices) in &slices {
        assert!(slices.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0 + 1e-6), "row {row} overlaps");
    }
    let pulses = scope.edges(1 << 3, UNTIL).0.iter().filter(|edge| edge.level).count();
    assert_eq!(slices[&4].len(), pulses + usize::from(scope.first_level(3)), "one slice for each pulse");
    assert!(pulses >= 19, "{pulses} pulses of 1 ms");
    assert_eq!(flows.into_values().collect::<Vec<_>>(), [[(100, Some(5000.0)), (101, Some(5040.0))]]);
}
