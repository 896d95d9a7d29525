use super::*;
use crate::clock::Clocks;

const CLOCKS: Clocks = Clocks { cpu: 3, apb: 6 };

/// A target at 0x42 that remembers what it was told and counts up when it is read.
#[derive(Default)]
struct Recorder {
    heard: Vec<u8>,
    next: u8,
    stops: u32,
}

impl Listener for Recorder {
    fn addressed(&mut self, _: Tick, address: u8, _: bool) -> bool {
        address == 0x42
    }
    fn written(&mut self, _: Tick, byte: u8) -> bool {
        self.heard.push(byte);
        byte != 0xEE
    }
    fn read(&mut self, _: Tick) -> Option<u8> {
        self.next += 1;
        Some(self.next)
    }
    fn stopped(&mut self, _: Tick) {
        self.stops += 1;
    }
}

/// The controller, the wires with pull-ups, and a target.
struct Bus {
    i2c: I2c,
    now: Tick,
    wire: Wire,
    target: Recorder,
    /// Somebody holds the clock low until this tick.
    stretch_until: Tick,
}

impl Bus {
    /// 100 kHz from the crystal.
    fn new() -> Self {
        let mut bus =
            Self { i2c: I2c::new(), now: 0, wire: Wire::new(), target: Recorder::default(), stretch_until: 0 };
        for (offset, value) in [
            (CTR, 1 << 4 | 1 << 8 | 3),
            (SCL_LOW_PERIOD, 199),
            (SCL_HIGH_PERIOD, 199),
            (SDA_HOLD, 49),
            (SDA_SAMPLE, 99),
            (SCL_START_HOLD, 199),
            (SCL_RSTART_SETUP, 199),
            (SCL_STOP_HOLD, 199),
            (SCL_STOP_SETUP, 199),
            (TO, 1 << 5 | 14),
        ] {
            bus.store(offset, value);
        }
        bus
    }

    fn store(&mut self, offset: u32, value: u32) {
        self.i2c.store(Moment { now: self.now, clocks: CLOCKS }, offset, value);
        self.settle();
    }

    fn commands(&mut self, commands: &[u32]) {
        for (n, &command) in (0..).zip(commands) {
            self.store(COMD0 + 4 * n, command);
        }
        self.store(CTR, self.i2c.peek(CTR) | 1 << 5);
    }

    fn settle(&mut self) {
        for _ in 0..4 {
            let (scl, sda) = self.i2c.outputs();
            let scl = scl && self.now >= self.stretch_until;
            let sda = sda && !self.wire.holds_sda();
            let levels = (u32::from(scl) * SCL) | (u32::from(sda) * SDA);
            self.wire.levels_changed(self.now, levels, &mut self.target);
            self.i2c.set_lines(Moment { now: self.now, clocks: CLOCKS }, scl, sda);
        }
    }

    fn run(&mut self) {
        for _ in 0..10_000 {
            let mut due = self.i2c.deadline();
            if self.now < self.stretch_until {
                due = due.min(self.stretch_until);
            }
            if due == Tick::MAX {
                return;
            }
            self.now = due;
            self.i2c.run(Moment { now: due, clocks: CLOCKS });
            self.settle();
        }
        panic!("the bus never comes to rest");
    }

    fn raw(&self) -> u32 {
        self.i2c.peek(INT_RAW)
    }
}

const START: u32 = 6 << 11;
const WRITE_CHECKED: u32 = 1 << 11 | 1 << 8;
const READ_ON: u32 = 3 << 11;
const READ_LAST: u32 = 3 << 11 | 1 << 10;
const STOP: u32 = 2 << 11;
const END: u32 = 4 << 11;

#[test]
fn a_write_reaches_the_target_and_takes_its_time() {
    let mut bus = Bus::new();
    for byte in [0x84, 1, 2, 3] {
        bus.store(DATA, byte);
    }
    bus.commands(&[START, WRITE_CHECKED | 4, STOP]);
    bus.run();
    assert_eq!((bus.target.heard.as_slice(), bus.target.stops), (&[1, 2, 3][..], 1));
    assert_ne!(bus.raw() & TRANS_COMPLETE_INT, 0);
    assert_eq!(bus.raw() & NACK_INT, 0);
    // 36 bits of 10 us, start and stop.
    let microseconds = bus.now / 480;
    assert!((360..390).contains(&microseconds), "{microseconds}");
    assert_eq!(bus.i2c.peek(SR) >> 4 & 1, 0, "the bus is free again");
    assert!(bit(bus.i2c.peek(COMD0 + 8), 31));
}

#[test]
fn a_read_brings_bytes_and_the_last_is_refused() {
    let mut bus = Bus::new();
    bus.store(DATA, 0x85);
    bus.commands(&[START, WRITE_CHECKED | 1, READ_ON | 2, READ_LAST | 1, STOP]);
    bus.run();
    assert_eq!(bus.i2c.peek(SR) >> 8 & 0x3F, 3);
    assert_eq!([1, 2, 3].map(|_| bus.i2c.load(DATA)), [1, 2, 3]);
    assert_eq!(bus.target.stops, 1);
}

#[test]
fn nobody_at_an_address_is_a_nack_and_the_bus_is_free_again() {
    let mut bus = Bus::new();
    bus.store(INT_ENA, NACK_INT);
    bus.store(DATA, 0x20);
    bus.commands(&[START, WRITE_CHECKED | 1, STOP]);
    bus.run();
    assert!(bus.i2c.active());
    assert_eq!(bus.raw() & TRANS_COMPLETE_INT, 0);
    assert_eq!(bus.i2c.outputs(), (true, true));
    assert_eq!(bus.i2c.peek(SR) >> 4 & 1, 0);
}

#[test]
fn a_refused_data_byte_ends_the_transfer() {
    let mut bus = Bus::new();
    for byte in [0x84, 1, 0xEE, 3] {
        bus.store(DATA, byte);
    }
    bus.commands(&[START, WRITE_CHECKED | 4, STOP]);
    bus.run();
    assert_eq!(bus.target.heard, [1, 0xEE]);
    assert_ne!(bus.raw() & NACK_INT, 0);
}

#[test]
fn a_list_can_pause_and_a_start_can_be_repeated() {
    let mut bus = Bus::new();
    bus.store(DATA, 0x84);
    bus.store(DATA, 7);
    bus.commands(&[START, WRITE_CHECKED | 2, END]);
    bus.run();
    assert_ne!(bus.raw() & END_DETECT_INT, 0);
    assert!(!bus.i2c.outputs().0, "the clock is held");
    bus.store(DATA, 0x85);
    bus.commands(&[START, WRITE_CHECKED | 1, READ_LAST | 1, STOP]);
    bus.run();
    assert_eq!((bus.target.heard.as_slice(), bus.i2c.load(DATA)), (&[7][..], 1));
}

#[test]
fn a_held_clock_is_waited_for_and_in_the_end_times_out() {
    let mut bus = Bus::new();
    bus.store(DATA, 0x84);
    bus.stretch_until = 480 * 300;
    bus.commands(&[START, WRITE_CHECKED | 1, STOP]);
    bus.run();
    assert_ne!(bus.raw() & TRANS_COMPLETE_INT, 0);
    assert!(bus.now > 480 * 380);
    let begun = bus.now;
    bus.stretch_until = Tick::MAX;
    bus.commands(&[START, WRITE_CHECKED | 1, STOP]);
    bus.now = bus.i2c.deadline();
    bus.i2c.run(Moment { now: bus.now, clocks: CLOCKS });
    assert_ne!(bus.raw() & TIME_OUT_INT, 0);
    // 2^14 cycles of 25 ns.
    assert!((bus.now - begun) / 480 - 409 <= 6, "{}", (bus.now - begun) / 480);
}

#[test]
fn the_bus_can_be_cleared_with_clock_pulses() {
    let mut bus = Bus::new();
    bus.store(SCL_SP_CONF, 9 << 1 | 1);
    assert!(bit(bus.i2c.peek(SCL_SP_CONF), 0));
    bus.run();
    assert!(!bit(bus.i2c.peek(SCL_SP_CONF), 0));
    assert_eq!(bus.now / 480, 90 - 5 + 5);
}

#[test]
fn fifos_have_their_limits() {
    let mut bus = Bus::new();
    for n in 0..40 {
        bus.store(DATA, n);
    }
    assert_eq!(bus.i2c.peek(SR) >> 18 & 0x3F, 32);
    assert_ne!(bus.raw() & TXFIFO_OVF_INT, 0);
    bus.i2c.load(DATA);
    assert_ne!(bus.raw() & RXFIFO_UDF_INT, 0);
    bus.store(FIFO_CONF, 1 << 13 | 3 << 5);
    assert_eq!(bus.i2c.peek(SR) >> 18 & 0x3F, 0);
}

/// Moves the wires as another controller would, and answers with what SDA shows while SCL is high.
fn clock_out(i2c: &mut I2c, now: &mut Tick, bits: &[Option<bool>]) -> Vec<bool> {
    let mut seen = Vec::new();
    for &sent in bits {
        for scl in [false, true, false] {
            *now += 1000;
            for _ in 0..2 {
                let sda = sent.unwrap_or(true) && i2c.outputs().1;
                i2c.set_lines(Moment { now: *now, clocks: CLOCKS }, scl && i2c.outputs().0, sda);
            }
            if scl {
                seen.push(sent.unwrap_or(true) && i2c.outputs().1);
            }
        }
    }
    seen
}

fn byte(value: u8) -> Vec<Option<bool>> {
    (0..8).rev().map(|n| Some(value >> n & 1 != 0)).chain([None]).collect()
}

#[test]
fn as_a_target_it_answers_its_own_address_with_its_fifos() {
    let mut i2c = I2c::new();
    let mut now = 0;
    let at = Moment { now, clocks: CLOCKS };
    i2c.store(at, CTR, 1 << 8 | 3);
    i2c.store(at, SLAVE_ADDR, 0x42);
    i2c.set_lines(at, true, true);
    i2c.set_lines(at, true, false);
    assert_ne!(i2c.peek(INT_RAW) & DET_START_INT, 0);
    i2c.set_lines(at, false, false);
    assert!(!clock_out(&mut i2c, &mut now, &byte(0x84))[8], "acknowledged");
    assert!(!clock_out(&mut i2c, &mut now, &byte(0x5A))[8]);
    assert_eq!(i2c.load(DATA), 0x5A);
    // A repeated start, and a read.
    i2c.store(at, DATA, 0xA7);
    i2c.store(at, INT_CLR, DET_START_INT);
    start(&mut i2c, now);
    assert_eq!(i2c.peek(INT_RAW) & (TRANS_COMPLETE_INT | DET_START_INT), DET_START_INT, "a start is no stop");
    clock_out(&mut i2c, &mut now, &byte(0x85));
    let seen = clock_out(&mut i2c, &mut now, &[None; 9]);
    let value = seen[..8].iter().fold(0_u8, |value, &bit| value << 1 | u8::from(bit));
    assert_eq!(value, 0xA7);
    assert!(i2c.outputs().1, "it lets go after the refusal");
    assert_eq!(i2c.peek(INT_RAW) & (TRANS_COMPLETE_INT | NACK_INT), NACK_INT);
    stop(&mut i2c, now);
    assert_ne!(i2c.peek(INT_RAW) & TRANS_COMPLETE_INT, 0);
    assert_eq!(i2c.peek(SR) >> 4 & 1, 0, "the bus is free");
}

/// A start, or a repeated one: SDA falls while SCL is high.
fn start(i2c: &mut I2c, now: Tick) {
    for (scl, sda) in [(false, true), (true, true), (true, false), (false, false)] {
        i2c.set_lines(Moment { now, clocks: CLOCKS }, scl, sda);
    }
}

/// A stop: SDA rises while SCL is high.
fn stop(i2c: &mut I2c, now: Tick) {
    for (scl, sda) in [(false, false), (true, false), (true, true)] {
        i2c.set_lines(Moment { now, clocks: CLOCKS }, scl, sda);
    }
}

/// The cause in SR while the clock is held.
fn held(i2c: &I2c) -> Option<u32> {
    (!i2c.outputs().0).then(|| i2c.peek(SR) >> 14 & 3)
}

/// Ends the stretch, and lets time pass until the clock is free.
fn release(i2c: &mut I2c, now: &mut Tick) -> Tick {
    let begun = *now;
    i2c.store(Moment { now: *now, clocks: CLOCKS }, SCL_STRETCH_CONF, 1 << 11 | 1 << 10 | 99);
    i2c.store(Moment { now: *now, clocks: CLOCKS }, INT_CLR, SLAVE_STRETCH_INT);
    if i2c.deadline() != Tick::MAX {
        *now = i2c.deadline();
        i2c.run(Moment { now: *now, clocks: CLOCKS });
    }
    *now - begun
}

#[test]
fn a_target_that_is_read_from_holds_the_clock_until_it_has_a_byte() {
    let mut i2c = I2c::new();
    let mut now = 0;
    let at = Moment { now, clocks: CLOCKS };
    for (offset, value) in [(CTR, 1 << 8 | 3), (SLAVE_ADDR, 0x42), (SCL_STRETCH_CONF, 1 << 10 | 99)] {
        i2c.store(at, offset, value);
    }
    i2c.store(at, INT_ENA, SLAVE_STRETCH_INT);
    start(&mut i2c, now);
    assert!(!clock_out(&mut i2c, &mut now, &byte(0x85))[8], "acknowledged before the clock is held");
    assert!(i2c.active());
    assert_eq!((held(&i2c), i2c.peek(SR) >> 1 & 1), (Some(STRETCH_READ), 1));
    // Nothing to send yet: the cause is another one, the clock is still held.
    assert_eq!(release(&mut i2c, &mut now), 0);
    assert_eq!(held(&i2c), Some(STRETCH_TX_EMPTY));
    i2c.store(Moment { now, clocks: CLOCKS }, DATA, 0xA7);
    // STRETCH_PROTECT_NUM cycles of 25 ns: 12 ticks each.
    assert_eq!(release(&mut i2c, &mut now), 99 * 12);
    assert_eq!((held(&i2c), i2c.peek(INT_RAW) & SLAVE_STRETCH_INT), (None, 0));
    let mut eight = [None; 9];
    eight[8] = Some(false);
    let seen = clock_out(&mut i2c, &mut now, &eight);
    assert_eq!(seen[..8].iter().fold(0_u8, |value, &bit| value << 1 | u8::from(bit)), 0xA7);
    // Acknowledged: the controller wants another one. What is in the FIFO by then is sent without a word.
    assert_eq!(held(&i2c), Some(STRETCH_TX_EMPTY));
    for value in [0x0F, 0xF0] {
        i2c.store(Moment { now, clocks: CLOCKS }, DATA, value);
    }
    release(&mut i2c, &mut now);
    clock_out(&mut i2c, &mut now, &eight);
    assert_eq!(held(&i2c), None);
    let seen = clock_out(&mut i2c, &mut now, &[None; 9]);
    assert_eq!(seen[..8].iter().fold(0_u8, |value, &bit| value << 1 | u8::from(bit)), 0xF0);
    assert_eq!(held(&i2c), None, "the last byte was refused: nothing more is wanted");
    stop(&mut i2c, now);
    assert_ne!(i2c.peek(INT_RAW) & TRANS_COMPLETE_INT, 0);
}

#[test]
fn a_target_without_room_holds_the_clock_until_it_is_emptied() {
    let mut i2c = I2c::new();
    let mut now = 0;
    let at = Moment { now, clocks: CLOCKS };
    for (offset, value) in [(CTR, 1 << 8 | 3), (SLAVE_ADDR, 0x42), (SCL_STRETCH_CONF, 1 << 10 | 99)] {
        i2c.store(at, offset, value);
    }
    start(&mut i2c, now);
    clock_out(&mut i2c, &mut now, &byte(0x84));
    for n in 0..FIFO as u8 {
        assert_eq!(held(&i2c), None, "before byte {n}");
        clock_out(&mut i2c, &mut now, &byte(n)[..8]);
        if n < FIFO as u8 - 1 {
            clock_out(&mut i2c, &mut now, &[None]);
        }
    }
    assert_eq!(held(&i2c), Some(STRETCH_RX_FULL));
    assert_eq!(i2c.load(DATA), 0);
    release(&mut i2c, &mut now);
    assert_eq!(held(&i2c), None);
    assert!(!clock_out(&mut i2c, &mut now, &[None])[0], "acknowledged");
    clock_out(&mut i2c, &mut now, &byte(0x77));
    assert_eq!(i2c.peek(INT_RAW) & RXFIFO_OVF_INT, 0);
    stop(&mut i2c, now);
    assert_ne!(i2c.peek(INT_RAW) & TRANS_COMPLETE_INT, 0);
}

#[test]
fn an_empty_write_is_a_transfer_and_one_for_somebody_else_is_none() {
    for (address, ours) in [(0x84, true), (0x86, false)] {
        let mut i2c = I2c::new();
        let mut now = 0;
        let at = Moment { now, clocks: CLOCKS };
        i2c.store(at, CTR, 1 << 8 | 3);
        i2c.store(at, SLAVE_ADDR, 0x42);
        start(&mut i2c, now);
        clock_out(&mut i2c, &mut now, &byte(address));
        stop(&mut i2c, now);
        assert_eq!((i2c.peek(INT_RAW) & TRANS_COMPLETE_INT != 0, i2c.peek(SR) >> 5 & 1 != 0), (ours, ours));
    }
}

#[test]
fn another_address_is_left_alone() {
    let mut i2c = I2c::new();
    let mut now = 0;
    let at = Moment { now, clocks: CLOCKS };
    i2c.store(at, CTR, 1 << 8 | 3);
    i2c.store(at, SLAVE_ADDR, 0x42);
    i2c.set_lines(at, true, false);
    i2c.set_lines(at, false, false);
    assert!(clock_out(&mut i2c, &mut now, &byte(0x86))[8]);
    assert_eq!(i2c.peek(SR) >> 5 & 1, 0);
}
