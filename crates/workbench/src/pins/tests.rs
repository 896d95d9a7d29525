//! What is recorded of the pins, against the program's own time stamps.

use serde_json::{Value, json};

use crate::asked::AskedRun;
use crate::headless;
use crate::line::Line;
use crate::pins::Wanted;

const TICKS_PER_US: i64 = 480;
/// Between reading the clock and moving a pin, in microseconds.
const SLACK_US: i64 = 60;

/// Runs a program with a button that is pressed three times, and returns what it printed and what is told of the pins.
fn recorded(kind: &str) -> (Vec<i64>, Value) {
    let program = format!(
        "import time\nfrom machine import Pin\nseen = [0] * 8\nn = 0\n\
         def on(pin):\n    global n\n    seen[n] = time.ticks_us()\n    n += 1\n\
         Pin(10, Pin.IN, Pin.PULL_UP).irq(on, Pin.IRQ_FALLING, hard={kind})\n\
         led = Pin(7, Pin.OUT, value=0)\n\
         time.sleep_ms(20)\na = time.ticks_us()\nled(1)\ntime.sleep_ms(3)\nb = time.ticks_us()\nled(0)\n\
         while n < 3:\n    time.sleep_ms(1)\nprint(a)\nprint(b)\n\
         for x in seen[:n]:\n    print(x)\n"
    );
    let moves: Vec<Value> = (0..6)
        .map(|n| json!({"at_us": 100_000 + n * 20_000, "part": "bell", "control": "pressed", "value": 1 - n % 2}))
        .collect();
    let asked = json!({
        "lesson": "workshop", "program": program, "seconds": 5,
        "wiring": {"parts": [
            {"kind": "button", "name": "bell", "pins": {"contact": 10}, "bounce_us": 0},
            {"kind": "led", "name": "lamp", "pins": {"anode": 7}},
        ], "moves": moves},
    });
    let asked: AskedRun = serde_json::from_value(asked).unwrap();
    let request = asked.request(&crate::test_course(), 60).unwrap();
    let mut drive = crate::test_board().fresh(request.seed).unwrap();
    drive.line.record(Some(1000));
    let record = headless::run(&mut drive, &request, &mut |_| true).unwrap();
    let told = drive.line.tell_pins(4, Wanted::News { record: 0, changes: 0, steps: 0 }, "test").unwrap();
    let printed = record.console.lines().map(|line| line.parse().unwrap_or_else(|_| panic!("{}", record.console)));
    let perfetto = drive.line.perfetto("test").unwrap();
    let trace: Value = serde_json::from_str(&perfetto).unwrap();
    let named = |name: &str| trace["traceEvents"].as_array().unwrap().iter().filter(|e| e["name"] == name).count();
    assert!(named("GPIO10") >= 3, "the trace has the callbacks: {perfetto}");
    (printed.collect(), serde_json::from_str(&told).unwrap())
}

fn rows<'a>(told: &'a Value, list: &str) -> Vec<&'a Value> {
    told[list].as_array().unwrap().iter().collect()
}

#[test]
fn edges_and_callbacks_are_where_the_program_says() {
    for (kind, begins) in [("True", "hard"), ("False", "soft")] {
        let (printed, told) = recorded(kind);
        let lamp: Vec<i64> = rows(&told, "changes")
            .iter()
            .filter(|change| change[1] == 7)
            .map(|change| change[0].as_i64().unwrap() / TICKS_PER_US)
            .collect();
        let [.., up, down] = lamp[..] else { panic!("{told}") };
        let apart = (down - up) - (printed[1] - printed[0]);
        // What stands between the clock and the pin waits for the flash the first time.
        assert!(
            apart.abs() <= SLACK_US,
            "edges are {} us apart, the program measured {}",
            down - up,
            printed[1] - printed[0]
        );

        let begun: Vec<i64> = rows(&told, "steps")
            .iter()
            .filter(|step| step[1] == begins && step[2] == 10)
            .map(|step| step[0].as_i64().unwrap() / TICKS_PER_US)
            .collect();
        assert_eq!(begun.len(), 3, "{told}");
        for (seen, begun) in printed[2..].iter().zip(&begun) {
            // Both clocks begin with the chip, but not at the same instant; the lamp's edge sets one against the other.
            let late = (seen - printed[0]) - (begun - up);
            assert!(
                (-SLACK_US..=150 + SLACK_US).contains(&late),
                "the callback read the clock {late} us after it began"
            );
        }
        let falls: Vec<i64> = rows(&told, "changes")
            .iter()
            .filter(|change| change[1] == 10 && change[2] == 0)
            .map(|change| change[0].as_i64().unwrap() / TICKS_PER_US)
            .collect();
        let falls = &falls[falls.len() - 3..];
        assert!(falls.iter().zip(&begun).all(|(fall, begun)| fall <= begun), "{falls:?} {begun:?}");
        let first = rows(&told, "steps").into_iter().find(|step| step[2] == 10).unwrap().clone();
        assert_eq!(first[3], "falling");
    }
}

#[test]
fn what_is_known_is_not_told_again() {
    let (_, told) = recorded("False");
    let (changes, steps) = (told["next_change"].as_u64().unwrap(), told["next_step"].as_u64().unwrap());
    assert_eq!(rows(&told, "changes").len() as u64 + told["first"].as_u64().unwrap(), changes);
    // Three interrupts, queued, begun and over.
    assert_eq!((steps, told["more"].as_bool()), (9, Some(false)));
    assert_eq!(told["record"], 4);
}
