//! A strip of WS2812B lights, which reads its pin by pulse widths.
//!
//! Data sheet (WS2812B): a 0 is high for 0.4 us, a 1 for 0.8 us, each within 150 ns; 24 bits a
//! light, green, red, blue, the highest bit first; a pin that is low for more than 50 us (newer
//! lots: 280 us, `reset_us`) latches what came. A pulse is taken for a 1 from 0.6 us on, the middle;
//! pulses outside the data sheet's bounds are counted as bad and read nevertheless.
//!
//! Not modelled: the forwarded signal's delay from light to light, current, and lights that read a
//! bad pulse otherwise than their neighbours.

use emulator::bus::Tick;

use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::{from_ns, from_us};
use crate::wiring::Placed;

const THRESHOLD: Tick = from_ns(600);
/// Bounds of the high time of a 0 and of a 1.
const ZERO: std::ops::RangeInclusive<Tick> = from_ns(250)..=from_ns(550);
const ONE: std::ops::RangeInclusive<Tick> = from_ns(650)..=from_ns(950);
const BITS_A_LIGHT: usize = 24;

/// A strip.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ws2812 {
    lights: usize,
    reset: Tick,
    rose: Option<Tick>,
    fell: Option<Tick>,
    /// Bits of the frame that is coming in.
    bits: Vec<bool>,
    /// As latched: red, green, blue.
    colours: Vec<[u8; 3]>,
    frames: u32,
    bad_pulses: u32,
    stray_bits: u32,
}

impl Ws2812 {
    pub(crate) fn new(placed: &Placed, _draw: Draw) -> Self {
        let lights = usize::try_from(placed.amount("leds")).unwrap_or(1);
        Self {
            lights,
            reset: from_us(placed.amount("reset_us")),
            rose: None,
            fell: None,
            bits: Vec::new(),
            colours: vec![[0; 3]; lights],
            frames: 0,
            bad_pulses: 0,
            stray_bits: 0,
        }
    }

    fn bit(&mut self, high: Tick) {
        let one = high >= THRESHOLD;
        if !(if one { ONE } else { ZERO }).contains(&high) {
            self.bad_pulses = self.bad_pulses.saturating_add(1);
        }
        // What is more than the strip has leaves it at its end.
        if self.bits.len() < self.lights * BITS_A_LIGHT {
            self.bits.push(one);
        }
    }

    /// The pin was low for long enough.
    fn latch(&mut self) {
        if self.bits.is_empty() {
            return;
        }
        for (colour, bits) in self.colours.iter_mut().zip(self.bits.chunks_exact(BITS_A_LIGHT)) {
            let grb = bits.iter().fold(0_u32, |value, &bit| value << 1 | u32::from(bit));
            let [_, green, red, blue] = grb.to_be_bytes();
            *colour = [red, green, blue];
        }
        let stray = self.bits.len() % BITS_A_LIGHT;
        self.stray_bits = self.stray_bits.saturating_add(stray as u32);
        self.frames = self.frames.saturating_add(1);
        self.bits.clear();
    }
}

impl Model for Ws2812 {
    fn edge(&mut self, at: Tick, _role: usize, level: bool, _acts: &mut Acts) {
        if level {
            if self.fell.is_some_and(|fell| at - fell >= self.reset) {
                self.latch();
            }
            self.rose = Some(at);
        } else if let Some(rose) = self.rose.take() {
            self.bit(at - rose);
            self.fell = Some(at);
        }
    }

    /// A frame that ended is shown, although no edge has told of it yet.
    fn shown(&self, now: Tick) -> Shown {
        let mut strip = self.clone();
        if strip.rose.is_none() && strip.fell.is_some_and(|fell| now.saturating_sub(fell) >= strip.reset) {
            strip.latch();
        }
        Shown::Strip {
            colours: strip.colours,
            frames: strip.frames,
            bad_pulses: strip.bad_pulses,
            stray_bits: strip.stray_bits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;

    /// Sends bits with the high and low times of a 0 and of a 1, in ns: MicroPython's `neopixel`
    /// uses 400, 850, 800, 450.
    fn send(bench: &mut Bench, bytes: &[u8], timing: [u64; 4]) {
        for byte in bytes {
            for n in (0..8).rev() {
                let one = usize::from(byte >> n & 1) * 2;
                bench.pin(0, true);
                bench.run_ns(timing[one]);
                bench.pin(0, false);
                bench.run_ns(timing[one + 1]);
            }
        }
    }

    const NEOPIXEL: [u64; 4] = [400, 850, 800, 450];

    fn strip(bench: &Bench) -> (Vec<[u8; 3]>, u32, u32, u32) {
        match bench.shown() {
            Shown::Strip { colours, frames, bad_pulses, stray_bits } => (colours, frames, bad_pulses, stray_bits),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn green_comes_first_and_the_gap_latches() {
        let mut bench = Bench::of(r#"{"kind":"ws2812","name":"s","pins":{"din":8},"leds":2}"#);
        send(&mut bench, &[0x11, 0x22, 0x33, 0xFF, 0x00, 0x80], NEOPIXEL);
        bench.run_us(20);
        assert_eq!(strip(&bench), (vec![[0; 3]; 2], 0, 0, 0), "not before the gap");
        bench.run_us(31);
        assert_eq!(strip(&bench), (vec![[0x22, 0x11, 0x33], [0x00, 0xFF, 0x80]], 1, 0, 0));
        send(&mut bench, &[0, 1, 0], NEOPIXEL);
        bench.run_us(60);
        assert_eq!(strip(&bench), (vec![[1, 0, 0], [0x00, 0xFF, 0x80]], 2, 0, 0), "the others keep their colour");
    }

    #[test]
    fn a_pause_within_a_frame_cuts_it_and_pulses_out_of_bounds_are_told() {
        let mut bench = Bench::of(r#"{"kind":"ws2812","name":"s","pins":{"din":8},"leds":1}"#);
        send(&mut bench, &[0xFF], NEOPIXEL);
        bench.run_us(60);
        send(&mut bench, &[0x80, 0x00, 0x01], [560, 800, 1000, 450]);
        bench.run_us(60);
        assert_eq!(strip(&bench), (vec![[0, 0x80, 1]], 2, 24, 8));
    }

    #[test]
    fn more_than_the_strip_has_leaves_it_at_the_end() {
        let mut bench = Bench::of(r#"{"kind":"ws2812","name":"s","pins":{"din":8},"leds":1}"#);
        send(&mut bench, &[1, 2, 3, 4, 5, 6], NEOPIXEL);
        bench.run_us(60);
        assert_eq!(strip(&bench), (vec![[2, 1, 3]], 1, 0, 0));
    }
}
