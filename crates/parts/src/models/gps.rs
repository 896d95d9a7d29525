//! A GPS receiver that talks: each interval a GGA and an RMC sentence of NMEA 0183 on its transmit
//! line, bit by bit (8 data bits, no parity, 1 stop bit), every bit's edge at its own multiple of the
//! baud rate, so that nothing drifts.
//!
//! A sentence is `$`, fields with commas, `*`, the exclusive-or of all characters between as two
//! hexadecimal digits, CR LF. Where the line is too slow for the interval, the sentences of the next
//! one begin when the line is free.
//!
//! Not modelled: a way to talk to it, satellites, movement, dates (it is 1 January 2026), the error of its clock and position.

use std::fmt::Write;

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::pins::Drive;

use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::from_ms;
use crate::wiring::Placed;

const TX: usize = 0;
const BITS_A_BYTE: usize = 10;

/// Bytes on their way over a line.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Line {
    baud: u64,
    bytes: Vec<u8>,
    /// When the first start bit began, and which bit comes next.
    begun: Tick,
    bit: usize,
}

impl Line {
    /// The level of a bit: start, eight data bits with the lowest first, stop.
    fn level(&self, bit: usize) -> bool {
        match (self.bytes.get(bit / BITS_A_BYTE), bit % BITS_A_BYTE) {
            (None, _) => true,
            (_, 0) => false,
            (Some(byte), n @ 1..=8) => byte >> (n - 1) & 1 != 0,
            _ => true,
        }
    }

    fn tick_of(&self, bit: usize) -> Tick {
        self.begun.saturating_add(bit as u64 * TICKS_PER_SECOND / self.baud)
    }

    /// Where all bits are over.
    fn end(&self) -> usize {
        self.bytes.len() * BITS_A_BYTE
    }

    fn is_idle(&self) -> bool {
        self.bytes.is_empty()
    }

    fn send(&mut self, now: Tick, text: &str) {
        *self = Self { baud: self.baud, bytes: text.as_bytes().to_vec(), begun: now, bit: 0 };
    }

    fn deadline(&self) -> Tick {
        if self.is_idle() { Tick::MAX } else { self.tick_of(self.bit) }
    }

    /// Puts the next bit on the line, and goes on to the next one that differs; returns its level.
    fn step(&mut self) -> bool {
        let level = self.level(self.bit);
        let differs = (self.bit + 1..self.end()).find(|&bit| self.level(bit) != level);
        match differs {
            Some(bit) => self.bit = bit,
            // The stop bit of the last byte must be over before anything else is sent.
            None if self.bit < self.end() => self.bit = self.end(),
            None => self.bytes.clear(),
        }
        level
    }
}

/// A talking receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Gps {
    line: Line,
    interval: Tick,
    origin: Tick,
    /// Intervals that were told or left out.
    told: u64,
    latitude_udeg: i64,
    longitude_udeg: i64,
    start_s: u64,
    fix: bool,
    sentences: u64,
    last: String,
}

impl Gps {
    pub(crate) fn new(placed: &Placed, _draw: Draw) -> Self {
        Self {
            line: Line { baud: placed.amount("baud").max(1), bytes: Vec::new(), begun: 0, bit: 0 },
            interval: from_ms(placed.amount("interval_ms")),
            origin: 0,
            told: 0,
            latitude_udeg: placed.setting("latitude_udeg"),
            longitude_udeg: placed.setting("longitude_udeg"),
            start_s: placed.amount("start_s"),
            fix: true,
            sentences: 0,
            last: String::new(),
        }
    }

    /// When the next sentences begin.
    fn talks(&self) -> Tick {
        if !self.line.is_idle() {
            return Tick::MAX;
        }
        // Half a second after power-on is the first.
        self.origin
            .saturating_add(from_ms(500))
            .saturating_add(self.told.saturating_mul(self.interval))
            .max(self.line.begun)
    }

    fn sentences(&self, now: Tick) -> String {
        let cs = (now - self.origin) / (TICKS_PER_SECOND / 100);
        let s = self.start_s + cs / 100;
        let time = format!("{:02}{:02}{:02}.{:02}", s / 3600 % 24, s / 60 % 60, s % 60, cs % 100);
        let (gga, rmc) = if self.fix {
            let latitude = angle(self.latitude_udeg, 2, ['N', 'S']);
            let longitude = angle(self.longitude_udeg, 3, ['E', 'W']);
            (
                format!("GPGGA,{time},{latitude},{longitude},1,08,1.0,40.0,M,36.7,M,,"),
                format!("GPRMC,{time},A,{latitude},{longitude},0.0,0.0,010126,,,A"),
            )
        } else {
            (format!("GPGGA,{time},,,,,0,00,99.9,,M,,M,,"), format!("GPRMC,{time},V,,,,,,,010126,,,N"))
        };
        sentence(&gga) + &sentence(&rmc)
    }
}

/// Degrees and minutes, `ddmm.mmmm,N`.
fn angle(udeg: i64, digits: usize, sides: [char; 2]) -> String {
    let side = sides[usize::from(udeg < 0)];
    let udeg = udeg.unsigned_abs();
    // Ten-thousandths of a minute.
    let minutes = udeg % 1_000_000 * 60 / 100;
    format!("{:0digits$}{:02}.{:04},{side}", udeg / 1_000_000, minutes / 10_000, minutes % 10_000)
}

fn sentence(body: &str) -> String {
    let checksum = body.bytes().fold(0, |sum, byte| sum ^ byte);
    let mut text = String::with_capacity(body.len() + 6);
    // Writing to a string cannot fail.
    let _ = write!(text, "${body}*{checksum:02X}\r\n");
    text
}

impl Model for Gps {
    fn connect(&mut self, now: Tick, acts: &mut Acts) {
        self.origin = now;
        acts.drive(TX, Drive::High);
    }

    fn deadline(&self) -> Tick {
        self.line.deadline().min(self.talks())
    }

    fn step(&mut self, acts: &mut Acts) {
        if !self.line.is_idle() {
            let now = self.line.deadline();
            acts.drive(TX, Drive::to(self.line.step()));
            if self.line.is_idle() {
                self.line.begun = now;
            }
            return;
        }
        let now = self.talks();
        let text = self.sentences(now);
        self.sentences += 2;
        self.last = text.lines().last().unwrap_or_default().to_owned();
        self.line.send(now, &text);
        // Intervals that passed while the line was busy are left out.
        let passed = (now - self.origin).saturating_sub(from_ms(500)) / self.interval;
        self.told = passed + 1;
    }

    fn control(&mut self, _now: Tick, key: &'static str, value: i64, _acts: &mut Acts) {
        match key {
            "fix" => self.fix = value != 0,
            "latitude_udeg" => self.latitude_udeg = value,
            _ => self.longitude_udeg = value,
        }
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::Talker { sentences: self.sentences, last: self.last.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;

    /// A receiver of 8N1 that samples each bit in its middle; a byte that is not over is left out.
    fn receive(bench: &Bench, baud: u64) -> String {
        let levels = bench.levels(TX);
        let at = |tick: Tick| levels.iter().rev().find(|edge| edge.0 <= tick).is_none_or(|edge| edge.1);
        let mut text = String::new();
        let mut free = 0;
        for &(start, level) in &levels {
            let middle = |n: u64| start + (2 * n + 1) * TICKS_PER_SECOND / (2 * baud);
            if level || start < free || middle(9) > bench.now {
                continue;
            }
            let byte = (1..=8).fold(0, |byte, n| byte | u8::from(at(middle(n))) << (n - 1));
            assert!(at(middle(9)), "a stop bit");
            free = middle(9);
            text.push(char::from(byte));
        }
        text
    }

    #[test]
    fn sentences_arrive_bit_by_bit_with_their_checksums() {
        let mut bench = Bench::of(r#"{"kind":"gps","name":"g","pins":{"tx":20}}"#);
        bench.run_us(2_000_000);
        let text = receive(&bench, 9600);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[0], "$GPGGA,120000.50,3540.8741,N,13946.0275,E,1,08,1.0,40.0,M,36.7,M,,*54");
        for line in lines {
            let (body, checksum) = line[1..].split_once('*').expect("a checksum");
            let sum = body.bytes().fold(0, |sum, byte| sum ^ byte);
            assert_eq!(format!("{sum:02X}"), checksum, "{line}");
        }
        assert!(text.contains("$GPRMC,120001.50,A,"), "{text}");
    }

    #[test]
    fn every_edge_lies_on_the_grid_of_the_baud_rate() {
        let mut bench = Bench::of(r#"{"kind":"gps","name":"g","pins":{"tx":20},"baud":115200}"#);
        bench.run_us(600_000);
        let origin = from_ms(500);
        let levels = bench.levels(TX);
        for &(tick, _) in levels.iter().skip(1) {
            let bit = ((tick - origin) * 115_200 + TICKS_PER_SECOND / 2) / TICKS_PER_SECOND;
            assert_eq!(tick, origin + bit * TICKS_PER_SECOND / 115_200);
        }
        assert!(levels.len() > 500, "{}", levels.len());
    }

    #[test]
    fn without_a_fix_it_says_so_and_the_south_west_is_marked() {
        let mut bench = Bench::of(r#"{"kind":"gps","name":"g","pins":{"tx":20},"start_s":86399}"#);
        bench.control("fix", 0);
        bench.run_us(1_000_000);
        bench.control("fix", 1);
        bench.control("latitude_udeg", -500_001);
        bench.control("longitude_udeg", -70_000_000);
        bench.run_us(1_000_000);
        let text = receive(&bench, 9600);
        assert!(text.contains("$GPRMC,235959.50,V,,"), "{text}");
        assert!(text.contains("$GPGGA,000000.50,0030.0000,S,07000.0000,W,1,"), "{text}");
    }

    #[test]
    fn a_line_too_slow_for_the_interval_leaves_sentences_out() {
        let mut bench = Bench::of(r#"{"kind":"gps","name":"g","pins":{"tx":20},"baud":300,"interval_ms":100}"#);
        bench.run_us(20_000_000);
        let text = receive(&bench, 300);
        assert!(text.lines().count() > 6, "{text}");
        let whole = text.rsplit_once("\r\n").map_or("", |split| split.0);
        assert!(whole.lines().all(|line| line.starts_with("$GP") && line.contains('*')), "{text}");
    }
}
