//! An infrared receiver that hears a remote control with NEC's protocol. Its output rests high and
//! is low while it hears the carrier.
//!
//! A frame is a mark of 9 ms, a space of 4.5 ms, 32 bits with the lowest first (address, its
//! complement, command, its complement) of a 562.5 us mark and a space of 562.5 us (0) or 1687.5 us
//! (1), and a last mark. A key that is held repeats every 108 ms: 9 ms, 2.25 ms, one mark. What the
//! receiver makes of the carrier lies around those instants by up to `spread_us`, by seed; receivers
//! such as the TSOP series promise some tens of microseconds.
//!
//! Not modelled: the carrier itself, sunlight, frames that collide.

use std::collections::VecDeque;

use emulator::bus::Tick;
use emulator::pins::Drive;

use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::{from_ms, from_ns, from_us};
use crate::wiring::Placed;

const OUT: usize = 0;
const UNIT_NS: u64 = 562_500;
const LEAD_NS: u64 = 9_000_000;
const FRAME_SPACE_NS: u64 = 4_500_000;
const REPEAT_SPACE_NS: u64 = 2_250_000;
/// From the beginning of one frame to that of the next.
const PERIOD: Tick = from_ms(108);
/// Frames that may wait.
const MOST_WAITING: usize = 64;

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Frame {
    Code { address: u8, command: u8 },
    Repeat,
}

impl Frame {
    /// The instant of edge `n`, in ns from the beginning; even edges begin a mark. `None`: the frame
    /// is over.
    fn edge_ns(self, n: u32) -> Option<u64> {
        let bits = match self {
            Self::Code { address, command } => u32::from_le_bytes([address, !address, command, !command]),
            Self::Repeat => 0,
        };
        let (count, space) = match self {
            Self::Code { .. } => (32, FRAME_SPACE_NS),
            Self::Repeat => (0, REPEAT_SPACE_NS),
        };
        match n {
            0 => Some(0),
            1 => Some(LEAD_NS),
            // Bits 0 to k-1 lie before edge 2k + 2, the mark of bit k or the last one.
            _ if n < 2 * count + 4 => {
                let bit = (n - 2) / 2;
                let ones = u64::from((bits & 1_u32.checked_shl(bit).map_or(u32::MAX, |bit| bit - 1)).count_ones());
                let begins = LEAD_NS + space + UNIT_NS * (2 * u64::from(bit) + 2 * ones);
                Some(begins + UNIT_NS * u64::from(n % 2))
            }
            _ => None,
        }
    }
}

/// A receiver.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NecReceiver {
    spread: Tick,
    waiting: VecDeque<Frame>,
    /// The frame on its way, when it began, and its next edge.
    sending: Option<(Frame, Tick)>,
    edge: u32,
    next: Tick,
    /// When the next frame may begin.
    free: Tick,
    frames: u32,
    repeats: u32,
    draw: Draw,
}

impl NecReceiver {
    pub(crate) fn new(placed: &Placed, draw: Draw) -> Self {
        Self {
            spread: from_us(placed.amount("spread_us")),
            waiting: VecDeque::new(),
            sending: None,
            edge: 0,
            next: Tick::MAX,
            free: 0,
            frames: 0,
            repeats: 0,
            draw,
        }
    }

    fn begin(&mut self, now: Tick) {
        if self.sending.is_none()
            && let Some(frame) = self.waiting.pop_front()
        {
            let begins = now.max(self.free);
            self.free = begins.saturating_add(PERIOD);
            self.sending = Some((frame, begins));
            self.edge = 0;
            self.next = begins;
        }
    }
}

impl Model for NecReceiver {
    fn connect(&mut self, _now: Tick, acts: &mut Acts) {
        acts.drive(OUT, Drive::High);
    }

    fn deadline(&self) -> Tick {
        self.next
    }

    fn step(&mut self, acts: &mut Acts) {
        let Some((frame, begins)) = self.sending else { return };
        acts.drive(OUT, if self.edge.is_multiple_of(2) { Drive::Low } else { Drive::High });
        self.edge += 1;
        if let Some(ns) = frame.edge_ns(self.edge) {
            let away = self.draw.around(self.spread);
            self.next = begins.saturating_add(from_ns(ns)).saturating_add_signed(away);
            return;
        }
        match frame {
            Frame::Code { .. } => self.frames = self.frames.saturating_add(1),
            Frame::Repeat => self.repeats = self.repeats.saturating_add(1),
        }
        let ended = self.next;
        self.sending = None;
        self.next = Tick::MAX;
        self.begin(ended);
    }

    fn control(&mut self, now: Tick, key: &'static str, value: i64, _acts: &mut Acts) {
        if key == "code" {
            let [address, command] = (value as u16).to_be_bytes();
            if self.waiting.len() < MOST_WAITING {
                self.waiting.push_back(Frame::Code { address, command });
            }
        } else {
            for _ in 0..value {
                if self.waiting.len() < MOST_WAITING {
                    self.waiting.push_back(Frame::Repeat);
                }
            }
        }
        self.begin(now);
    }

    fn shown(&self, _now: Tick) -> Shown {
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(u32::MAX) + u32::from(self.sending.is_some());
        Shown::Infrared { frames: self.frames, repeats: self.repeats, waiting }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;
    use crate::time::to_ns;

    /// What a decoder reads: lengths of marks and spaces in us, the rest that follows left out.
    fn lengths(bench: &Bench) -> Vec<u64> {
        let edges = bench.levels(OUT);
        let first = edges.iter().position(|edge| !edge.1).unwrap_or(edges.len());
        edges[first..].windows(2).map(|pair| to_ns(pair[1].0 - pair[0].0) / 1000).collect()
    }

    fn decode(lengths: &[u64]) -> u32 {
        let mut bits = 0;
        for (n, pair) in lengths[2..66].chunks(2).enumerate() {
            assert!((480..650).contains(&pair[0]), "mark {n} of {} us", pair[0]);
            bits |= u32::from(pair[1] > 1120) << n;
        }
        bits
    }

    #[test]
    fn a_frame_has_the_published_timings() {
        let mut bench = Bench::of(r#"{"kind":"nec-receiver","name":"i","pins":{"out":3},"spread_us":0}"#);
        bench.control("code", 0x00A5);
        bench.run_us(100_000);
        let lengths = lengths(&bench);
        assert_eq!(lengths.len(), 67);
        assert_eq!(lengths[..2], [9000, 4500]);
        assert!(lengths[2..].iter().step_by(2).all(|&mark| mark == 562));
        assert!(lengths[2..].iter().skip(1).step_by(2).all(|&space| space == 562 || space == 1687));
        assert_eq!(lengths.iter().sum::<u64>() / 100, 680, "13.5 ms, 32 bits with 16 ones of 54 ms, the last mark");
        assert_eq!(decode(&lengths).to_le_bytes(), [0x00, 0xFF, 0xA5, 0x5A]);
        assert_eq!(bench.drive(OUT), Drive::High);
    }

    #[test]
    fn a_held_key_repeats_every_108_ms() {
        let mut bench = Bench::of(r#"{"kind":"nec-receiver","name":"i","pins":{"out":3},"spread_us":0}"#);
        bench.control("code", 0x1234);
        bench.control("repeats", 2);
        bench.run_us(400_000);
        let falls: Vec<u64> =
            bench.levels(OUT).iter().filter(|edge| !edge.1).map(|edge| to_ns(edge.0) / 1000).collect();
        assert_eq!(falls[34..], [108_000, 119_250, 216_000, 227_250]);
        assert_eq!(bench.shown(), Shown::Infrared { frames: 1, repeats: 2, waiting: 0 });
    }

    #[test]
    fn what_a_receiver_scatters_is_still_decoded() {
        for seed in 0..50 {
            let mut bench = Bench::with_seed(r#"{"kind":"nec-receiver","name":"i","pins":{"out":3}}"#, seed);
            bench.control("code", 0xCAFE);
            bench.run_us(100_000);
            assert_eq!(decode(&lengths(&bench)).to_le_bytes(), [0xCA, 0x35, 0xFE, 0x01]);
        }
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut bench = Bench::of(r#"{"kind":"nec-receiver","name":"i","pins":{"out":3}}"#);
        for _ in 0..100 {
            bench.control("repeats", 100);
        }
        let Shown::Infrared { waiting, .. } = bench.shown() else { panic!("a receiver") };
        assert_eq!(waiting, 65);
    }
}
