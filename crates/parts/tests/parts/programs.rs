//! Real things as programs with their wiring, on the lesson firmware: what they print must be what
//! the parts did.

use firmware_tests::Board;
use parts::time::to_ns;
use parts::{Scope, Shown, Wired};

use super::wiring;

/// What a program printed, and what its wiring did meanwhile.
struct Ran {
    lines: Vec<String>,
    scope: Scope,
    board: Board,
    wired: Wired,
}

impl Ran {
    #[track_caller]
    fn number(&self, line: usize) -> i64 {
        self.lines[line].parse().unwrap_or_else(|_| panic!("{:?}", self.lines))
    }

    /// The instants, in us, at which a pin fell.
    fn falls_us(&mut self, pin: u8) -> Vec<u64> {
        let until = self.board.machine().ticks();
        let edges = self.scope.edges(1 << pin, until).0;
        edges.iter().filter(|edge| !edge.level).map(|edge| to_ns(edge.tick) / 1000).collect()
    }

    fn shown(&mut self, part: &str) -> Shown {
        self.wired.shown(self.board.machine(), part).unwrap_or_else(|| panic!("{part} is there"))
    }
}

/// Uploads a program, connects the wiring at the instant at which it starts, and runs it to its end.
#[track_caller]
fn run(program: &str, parts: &str, timeout_ms: u64) -> Ran {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.upload(program);
    let mut wired = Wired::connect(&wiring(parts), 7, board.machine()).expect("room");
    let mut scope = Scope::begin(board.machine(), 1 << 20);
    board.send(b"\x04");
    board.expect("\x04", 2000);
    let outcome = board.finish(timeout_ms);
    assert_eq!(outcome.error, "", "{}", outcome.output);
    wired.follow(&scope.take(board.machine()));
    assert_eq!((scope.lost(), scope.unseen()), (None, 0));
    Ran { lines: outcome.output.lines().map(str::to_owned).collect(), scope, board, wired }
}

fn presses(part: &str, count: u64, every_us: u64, held_us: u64) -> String {
    (0..count)
        .map(|n| {
            let at = 300_000 + n * every_us;
            format!(
                "[[moves]]\nat_us={at}\npart='{part}'\ncontrol='pressed'\nvalue=1\n\
                 [[moves]]\nat_us={}\npart='{part}'\ncontrol='pressed'\nvalue=0\n",
                at + held_us
            )
        })
        .collect()
}

#[test]
fn a_door_bell_that_debounces_rings_once_for_each_press() {
    for hard in ["True", "False"] {
        let program = format!(
            r#"
import time
from machine import Pin
raw = 0
rings = 0
moved = time.ticks_ms()
def on_edge(pin):
    global raw, moved
    raw += 1
    moved = time.ticks_ms()
led = Pin(7, Pin.OUT, value=1)
bell = Pin(10, Pin.IN, Pin.PULL_UP)
bell.irq(on_edge, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard={hard})
rest = 1
end = time.ticks_add(time.ticks_ms(), 2600)
while time.ticks_diff(end, time.ticks_ms()) > 0:
    if time.ticks_diff(time.ticks_ms(), moved) > 20 and bell() != rest:
        rest = bell()
        if rest == 0:
            rings += 1
print(rings)
print(raw)
"#
        );
        let wiring = format!(
            "[[parts]]\nkind='button'\nname='bell'\npins={{contact=10}}\n\
             [[parts]]\nkind='led'\nname='lamp'\npins={{anode=7}}\n{}",
            presses("bell", 10, 200_000, 90_000)
        );
        let mut ran = run(&program, &wiring, 5000);
        // Each press and each release bounces; a release that bounces falls, too.
        let falls = ran.falls_us(10).len() as i64;
        assert!(falls > 30, "{falls} falling edges for ten presses");
        assert!(ran.number(1) > falls && ran.number(1) <= 2 * falls, "{:?}, {falls} falling edges", ran.lines);
        assert_eq!(ran.number(0), 10, "hard={hard}: {:?}", ran.lines);
        assert_eq!(ran.shown("lamp"), Shown::Light { lit: true, duty_permille: 1000 });
    }
}

#[test]
fn a_rain_gauge_counts_each_tip_once() {
    let program = r#"
import time
from machine import Pin
tips = 0
quiet_until = time.ticks_ms()
def on_tip(pin):
    global tips, quiet_until
    now = time.ticks_ms()
    if time.ticks_diff(now, quiet_until) >= 0:
        tips += 1
        quiet_until = time.ticks_add(now, 100)
Pin(3, Pin.IN, Pin.PULL_UP).irq(on_tip, Pin.IRQ_FALLING)
time.sleep_ms(6000)
print(tips)
"#;
    let wiring = "[[parts]]\nkind='rain-gauge'\nname='rain'\npins={contact=3}\n\
                  [[moves]]\nat_us=200_000\npart='rain'\ncontrol='tips'\nvalue=17\n";
    let mut ran = run(program, wiring, 10_000);
    assert_eq!(ran.number(0), 17);
    assert!(ran.falls_us(3).len() > 30);
    assert_eq!(ran.shown("rain"), Shown::Tips { tips: 17, waiting: 0, closed: false });
}

#[test]
fn an_encoder_is_followed_in_both_directions() {
    let program = r#"
import time
from machine import Pin
place = 0
b = Pin(6, Pin.IN, Pin.PULL_UP)
def on_turn(pin):
    global place
    if b.value():
        place -= 1
    else:
        place += 1
a = Pin(5, Pin.IN, Pin.PULL_UP)
a.irq(on_turn, Pin.IRQ_RISING, hard=True)
time.sleep_ms(1500)
print(place)
"#;
    let wiring = "[[parts]]\nkind='encoder'\nname='knob'\npins={a=5,b=6}\nstep_us=2000\n\
                  [[moves]]\nat_us=100_000\npart='knob'\ncontrol='turn_steps'\nvalue=300\n\
                  [[moves]]\nat_us=900_000\npart='knob'\ncontrol='turn_steps'\nvalue=-120\n";
    let mut ran = run(program, wiring, 5000);
    assert_eq!(ran.number(0), 180);
    assert_eq!(ran.shown("knob"), Shown::Encoder { steps: 180, steps_to_go: 0, pushed: false });
}

#[test]
fn a_range_finder_measures_by_its_interrupts() {
    let program = r#"
import time
from machine import Pin
rose = 0
echo_us = 0
done = False
def on_echo(pin):
    global rose, echo_us, done
    if pin.value():
        rose = time.ticks_us()
    else:
        echo_us = time.ticks_diff(time.ticks_us(), rose)
        done = True
trigger = Pin(4, Pin.OUT, value=0)
Pin(3, Pin.IN).irq(on_echo, Pin.IRQ_RISING | Pin.IRQ_FALLING, hard=True)
for n in range(3):
    done = False
    trigger.on()
    time.sleep_us(10)
    trigger.off()
    while not done:
        pass
    print(echo_us)
    time.sleep_ms(60)
"#;
    let wiring = "[[parts]]\nkind='hc-sr04'\nname='far'\npins={trigger=4,echo=3}\ndistance_mm=310\nnoise_mm=0\n\
                  [[moves]]\nat_us=40_000\npart='far'\ncontrol='distance_mm'\nvalue=1500\n\
                  [[moves]]\nat_us=100_000\npart='far'\ncontrol='distance_mm'\nvalue=5000\n";
    let ran = run(program, wiring, 5000);
    // Both edges are late by the same latency, but for what the first of two has to fetch from flash again: before the very
    // first echo all of the handler's code, later what main's sleep has driven out of the cache. The echo seems so much shorter.
    for (line, flight_us, short_us) in [(0, 1806, 200), (1, 8741, 100), (2, 38_000, 100)] {
        let measured = ran.number(line);
        assert!((flight_us - short_us..=flight_us + 20).contains(&measured), "{measured} us of {flight_us}");
    }
}

#[test]
fn a_remote_control_is_decoded_from_its_edges() {
    let program = r#"
import time
from array import array
from machine import Pin
falls = array("i", [0] * 40)
count = 0
def on_fall(pin):
    global count
    if count < 40:
        falls[count] = time.ticks_us()
        count += 1
Pin(3, Pin.IN).irq(on_fall, Pin.IRQ_FALLING, hard=True)
time.sleep_ms(500)
bits = 0
for n in range(32):
    if time.ticks_diff(falls[n + 2], falls[n + 1]) > 1687:
        bits |= 1 << n
print(count)
print(bits & 0xff, bits >> 8 & 0xff, bits >> 16 & 0xff, bits >> 24 & 0xff)
"#;
    let wiring = "[[parts]]\nkind='nec-receiver'\nname='remote'\npins={out=3}\n\
                  [[moves]]\nat_us=200_000\npart='remote'\ncontrol='code'\nvalue=0x12A7\n";
    let ran = run(program, wiring, 3000);
    assert_eq!(ran.lines, ["34", "18 237 167 88"]);
}

#[test]
fn a_wire_brings_an_output_to_an_input_and_a_generator_is_counted() {
    let program = r#"
import time
from machine import Pin
seen = 0
pulses = 0
def on_wire(pin):
    global seen
    seen += 1
def on_pulse(pin):
    global pulses
    pulses += 1
out = Pin(4, Pin.OUT, value=0)
Pin(5, Pin.IN).irq(on_wire, Pin.IRQ_RISING | Pin.IRQ_FALLING, hard=True)
Pin(1, Pin.IN).irq(on_pulse, Pin.IRQ_RISING, hard=True)
for n in range(25):
    out(1)
    time.sleep_ms(2)
    out(0)
    time.sleep_ms(2)
time.sleep_ms(400)
print(seen)
print(pulses)
"#;
    let wiring = "[[parts]]\nkind='wire'\nname='w'\npins={from=4,to=5}\n\
                  [[parts]]\nkind='pulses'\nname='g'\npins={out=1}\nperiod_ns=500_000\nhigh_ns=100_000\n\
                  at_start='stopped'\nburst_pulses=100\npause_us=3_600_000_000\n\
                  [[moves]]\nat_us=200_000\npart='g'\ncontrol='running'\nvalue=1\n";
    let mut ran = run(program, wiring, 3000);
    assert_eq!(ran.lines, ["50", "100"]);
    assert_eq!(ran.shown("g"), Shown::Pulses { running: true, sent: 100, left_out: 0 });
}

#[test]
fn a_burglar_alarm_sees_motion_and_a_wheel_is_measured() {
    let program = r#"
import time
from machine import Pin
alarms = 0
turns = 0
def on_motion(pin):
    global alarms
    alarms += 1
def on_magnet(pin):
    global turns
    turns += 1
Pin(2, Pin.IN).irq(on_motion, Pin.IRQ_RISING)
Pin(3, Pin.IN, Pin.PULL_UP).irq(on_magnet, Pin.IRQ_FALLING)
time.sleep_ms(1000)
start = turns
time.sleep_ms(1000)
print(turns - start)
print(alarms)
"#;
    let wiring = "[[parts]]\nkind='pir'\nname='eye'\npins={out=2}\nhold_ms=100\nblocking_ms=100\n\
                  [[parts]]\nkind='hall'\nname='wheel'\npins={out=3}\nrpm=1500\n\
                  [[moves]]\nat_us=300_000\npart='eye'\ncontrol='motion'\nvalue=1\n\
                  [[moves]]\nat_us=900_000\npart='eye'\ncontrol='motion'\nvalue=1\n";
    let ran = run(program, wiring, 5000);
    assert_eq!(ran.lines, ["25", "2"]);
}
