//! What a board says: borrowed, write-only forms that need no allocator.
//!
//! Names of counters are those of the lesson map, section 1.1. Times are microseconds since the
//! board's reset unless the name says otherwise.

use serde::Serialize as DeriveSerialize;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};

/// A message from a board to its host. The JSON object names its kind in `t`.
#[derive(Clone, Copy, Debug, PartialEq, DeriveSerialize)]
#[serde(tag = "t", rename_all = "snake_case")]
pub enum BoardMessage<'a> {
    /// Who is there; the answer to a greeting, and sent again after every restart of the VM.
    Hello(Hello<'a>),
    /// All numbers at one instant, 10 to 20 times a second while a host listens.
    Sample(Sample<'a>),
    /// Something that happened at one instant.
    Event(Event<'a>),
    /// The run is over; the numbers of the last sample before it are final.
    Done(Done<'a>),
    /// The answer to one host message.
    Ack(Ack<'a>),
}

/// Who is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveSerialize)]
pub struct Hello<'a> {
    /// [`crate::VERSION`] of the firmware.
    pub v: u16,
    /// Firmware version, for instance `0.1.0`.
    pub fw: &'a str,
    /// MicroPython version, for instance `1.25.0`.
    pub mpy: &'a str,
    /// Chip name as espflash writes it, for instance `esp32c3`.
    pub chip: &'a str,
    /// CPU clock in Hz.
    pub cpu_hz: u32,
    /// Restarts of the VM since the chip's reset; a change tells the host that Python state is gone.
    pub boots: u32,
    /// What this board can do: `hard`, `soft`, `pins`, `native`, `baud`, ...
    pub caps: &'a [&'a str],
}

/// All numbers at one instant.
#[derive(Clone, Copy, Debug, PartialEq, DeriveSerialize)]
pub struct Sample<'a> {
    /// Consecutive number of the telemetry frame (samples and events share it): a gap is a loss.
    pub n: u32,
    /// When, in microseconds since reset.
    pub us: u64,
    /// The run that the numbers belong to, as the host numbered it in `start`; 0 before the first.
    pub run: u32,
    /// Microseconds since the run's start.
    pub run_us: u64,
    /// One entry for each timer or pin that has had a callback in this run.
    pub src: &'a [Source<'a>],
    /// Scheduler queue depth now, 0 to 8.
    pub q: u8,
    /// Highest queue depth in this run.
    pub qmax: u8,
    /// Main-loop iterations.
    pub main: u32,
    /// Longest gap between two heartbeats of main, in microseconds.
    pub stall_max: u32,
    /// Longest critical section in this run, in microseconds.
    pub locked_max: u32,
    /// Exceptions reported in this run (each is also an event).
    pub exc: u32,
    /// Telemetry frames given up since reset because the line was full.
    pub lost_frames: u32,
    /// Bytes received that were neither console input nor a good frame, since reset.
    pub bad_bytes: u32,
    /// Numbers the lesson's program publishes (`lab.value`, counters, gauges).
    pub v: Numbers<'a>,
    /// Histograms of the program (`lab.histogram`, published arrays); absent in most samples.
    #[serde(skip_serializing_if = "Lists::is_empty")]
    pub h: Lists<'a>,
}

/// One interrupt source with a Python callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveSerialize)]
pub struct Source<'a> {
    /// `t0`.. for timers, `p0`.. for pins, `u1` for UART1, `i0` for I2C0 as a target.
    pub id: &'a str,
    /// `true`: the callback runs inside the interrupt.
    pub hard: bool,
    /// Rate in Hz asked for now; 0 for pins.
    pub hz: u32,
    /// Alarms that time asked for: floor(elapsed / period), summed over changes of the rate.
    pub expected: u32,
    /// Alarms that reached the low-level interrupt routine.
    pub fired: u32,
    /// `expected - fired`.
    pub missed: u32,
    /// Callback entries.
    pub ran: u32,
    /// Soft only: events refused because the queue was full.
    pub dropped: u32,
    /// Soft only: events of this source waiting in the queue now. `fired = ran + dropped + queued`.
    pub queued: u8,
    /// Hard only: the callback was removed after an uncaught exception, or by the load guard.
    pub disabled: bool,
    /// Callback entry minus alarm time.
    pub lat: Latency<'a>,
}

/// A latency distribution, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveSerialize)]
pub struct Latency<'a> {
    /// Smallest.
    pub min: u32,
    /// Median, as the upper edge of its bin.
    pub p50: u32,
    /// 99th percentile, as the upper edge of its bin.
    pub p99: u32,
    /// Largest.
    pub max: u32,
    /// Counts by bin from `from` on; empty in most samples, since it changes slowly and is long.
    #[serde(skip_serializing_if = "<[u32]>::is_empty")]
    pub bins: &'a [u32],
    /// Index of the first bin in `bins`; see [`latency_bin`].
    #[serde(skip_serializing_if = "is_zero")]
    pub from: u8,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

/// How many bins a latency histogram has.
pub const LATENCY_BINS: usize = 72;

/// The bin of a latency: four bins per factor of two, from 1 us up to 0.26 s; the last bin takes the rest.
///
/// Integer only, so that it is legal and quick inside an interrupt.
#[must_use]
pub fn latency_bin(us: u32) -> usize {
    let us = us.max(1);
    let octave = us.ilog2();
    let quarter = if octave >= 2 { (us >> (octave - 2)) & 3 } else { (us << (2 - octave)) & 3 };
    ((octave * 4 + quarter) as usize).min(LATENCY_BINS - 1)
}

/// The lower edge of a latency bin, in microseconds, times four (bins below 4 us are fractions).
#[must_use]
pub fn latency_bin_edge_quarters(bin: usize) -> u32 {
    let bin = bin.min(LATENCY_BINS - 1) as u32;
    (4 + bin % 4) << (bin / 4)
}

/// Something that happened at one instant.
#[derive(Clone, Copy, Debug, PartialEq, DeriveSerialize)]
pub struct Event<'a> {
    /// Consecutive number of the telemetry frame.
    pub n: u32,
    /// When, in microseconds since reset.
    pub us: u64,
    /// The run that it belongs to.
    pub run: u32,
    /// What happened.
    pub what: What<'a>,
}

/// The kinds of events. The JSON object names its kind in `kind`.
#[derive(Clone, Copy, Debug, PartialEq, DeriveSerialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What<'a> {
    /// The program called `lab.mark(mark, value)`.
    Mark {
        /// Number of the mark.
        mark: u16,
        /// Its value.
        value: i32,
    },
    /// An exception that nobody handled.
    Exception {
        /// Where: `hard`, `soft` (scheduled), or `main`.
        context: &'a str,
        /// Class name, for instance `MemoryError`.
        class: &'a str,
        /// Message text, cut to what fits.
        text: &'a str,
    },
    /// A hard callback was removed after an uncaught exception.
    Disabled {
        /// The source's id.
        source: &'a str,
    },
    /// The load guard stopped a source because main made no progress.
    Guard {
        /// The source's id.
        source: &'a str,
        /// How long main had stood still, in milliseconds.
        starved_ms: u32,
    },
    /// A control changed and the program sees the new value from now on.
    Control {
        /// Name of the control.
        name: &'a str,
        /// The new value of a numeric control, or the index of the option.
        value: i32,
    },
    /// A short recording around a trigger, for the timeline.
    Trace {
        /// What triggered: a name the program gave.
        trigger: &'a str,
        /// What happened around it, in order.
        points: &'a [TracePoint],
    },
    /// Marks or trace points were lost because their buffer was full.
    Overflow {
        /// How many.
        marks: u32,
    },
    /// Edges of watched pins, as their interrupt stamped them.
    Edges {
        /// When the first one was, or when the record begins, in ticks of 1/16 microsecond since reset.
        ticks: u64,
        /// Where a record begins: the levels of the pins, a bit for each.
        #[serde(skip_serializing_if = "Option::is_none")]
        levels: Option<u32>,
        /// The edges, in order.
        edges: &'a [PinEdge],
        /// Edges since the last message that nobody could stamp or keep.
        lost: u32,
        /// Pins that are watched no more, because they move too fast to be stamped; a bit for each.
        given_up: u32,
    },
}

/// One edge: `[after, pin, what]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinEdge {
    /// Ticks since the message's `ticks`.
    pub after: u32,
    /// GPIO number.
    pub pin: u8,
    /// 0: it fell, 1: it rose; 2 and 3 the same, where the other edge does not interrupt and so is not known.
    pub what: u8,
}

impl Serialize for PinEdge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(3))?;
        seq.serialize_element(&self.after)?;
        seq.serialize_element(&self.pin)?;
        seq.serialize_element(&self.what)?;
        seq.end()
    }
}

/// One instant of a recording: `[ns, lane, value]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracePoint {
    /// Nanoseconds from the trigger, negative before it.
    pub ns: i32,
    /// What begins or ends, see [`Lane`].
    pub lane: Lane,
    /// What the program said of it.
    pub value: i32,
}

/// What a trace point marks; sent as its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lane {
    /// A mark by main.
    Main = 0,
    /// Alarm: the interrupt routine is entered.
    Alarm = 1,
    /// A hard callback begins.
    HardEnter = 2,
    /// A hard callback has returned.
    HardExit = 3,
    /// A soft event is queued; the value is the depth after it.
    Queued = 4,
    /// A soft callback begins.
    SoftEnter = 5,
    /// A soft callback has returned.
    SoftExit = 6,
    /// An event found the queue full.
    Dropped = 7,
    /// A mark by a callback.
    Callback = 8,
}

impl Serialize for TracePoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(3))?;
        seq.serialize_element(&self.ns)?;
        seq.serialize_element(&(self.lane as u8))?;
        seq.serialize_element(&self.value)?;
        seq.end()
    }
}

/// The run is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveSerialize)]
pub struct Done<'a> {
    /// Number of the telemetry frame.
    pub n: u32,
    /// When, in microseconds since reset.
    pub us: u64,
    /// Which run.
    pub run: u32,
    /// Why: `finished`, `stopped`, `restarted` (main did not give in), `exception`, `deep_sleep`.
    pub why: &'a str,
    /// The sleep that the program has ended with. Said when it begins, and again when the board wakes, before its reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sleep: Option<Sleep<'a>>,
}

/// A deep sleep, which ends in a reset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveSerialize)]
pub struct Sleep<'a> {
    /// It ends after so many milliseconds; absent: no timer wakes the board.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms: Option<u32>,
    /// Pins whose level wakes the board, a bit for each; 0 where none does.
    pub pins: u32,
    /// The level that wakes.
    pub high: bool,
    /// What has woken the board: `timer` or `pin`; absent while it sleeps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub woken: Option<&'a str>,
}

/// The answer to one host message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveSerialize)]
pub struct Ack<'a> {
    /// `id` of the message answered; 0 where it could not be read.
    pub id: u32,
    /// Whether it was done.
    pub ok: bool,
    /// Why not: `unknown_message`, `unknown_control`, `out_of_range`, `unknown_option`, `busy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub err: Option<&'a str>,
}

/// Named numbers, written as one JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers<'a>(pub &'a [(&'a str, i32)]);

impl Serialize for Numbers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Named lists of numbers, written as one JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lists<'a>(pub &'a [(&'a str, &'a [i32])]);

impl Lists<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Lists<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, values) in self.0 {
            map.serialize_entry(name, values)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latency_bins_are_monotonic_and_match_their_edges() {
        let mut last = 0;
        for us in 0..300_000 {
            let bin = latency_bin(us);
            assert!(bin >= last, "bin fell at {us} us");
            assert!(us.max(1) * 4 >= latency_bin_edge_quarters(bin));
            if bin + 1 < LATENCY_BINS {
                assert!(us.max(1) * 4 < latency_bin_edge_quarters(bin + 1), "{us} us lies above bin {bin}");
            }
            last = bin;
        }
        assert_eq!(latency_bin(u32::MAX), LATENCY_BINS - 1);
    }
}
