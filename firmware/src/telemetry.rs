//! Telemetry and control: frames out, frames in. Runs in a software interrupt above main and below the
//! interrupts of lessons, so that it goes on whatever main does and adds nothing to their latency.
//!
//! Nothing is sent before a host has greeted.

use portable_atomic::{AtomicBool, AtomicU32, Ordering};

use esp_hal::peripherals::Interrupt;
use micropython_sys::{self as port, SLOTS};
use protocol::MAX_FRAME_BYTES;
use protocol::board::{Ack, BoardMessage, Done, Event, Hello, Latency, Lists, Numbers, Sample, Source, What};
use protocol::host::{self, HostMessage, Unreadable};

use crate::alarm::{self, Waiter};
use crate::clock::{self, TICKS_PER_MICRO, TICKS_PER_SECOND};
use crate::console::{self, mailbox, uart};
use crate::counters::Counters;
use crate::interrupts::{self, Shared, Software};
use crate::lab::{self, ARRAY_ITEMS, ARRAYS, HISTOGRAMS, VALUES};
use crate::run::{self, Happening, SourceName};
use crate::{edges, sources, vm};

/// At or above this speed the line carries 20 samples a second.
const FAST_BAUD: u32 = 460_800;
const FAST_PERIOD: u64 = TICKS_PER_SECOND / 20;
const SLOW_PERIOD: u64 = TICKS_PER_SECOND / 10;
/// Lists are long and change slowly: every so many samples carry them.
const LISTS_EVERY: u32 = 5;
/// A critical section holds a sample back for so long at most, in ticks.
const SECTION_PATIENCE: u64 = TICKS_PER_SECOND / 50;
/// So many events are sent in one go.
const EVENTS_AT_ONCE: usize = 16;

/// What the state of the conversation is. Used at telemetry level only, except where noted.
struct Conversation {
    host: Option<console::Id>,
    baud: u32,
    /// Number of the last telemetry frame.
    number: u32,
    lost_frames: u32,
    samples: u32,
    frame: [u8; MAX_FRAME_BYTES],
    snapshot: Snapshot,
}

/// So many sources have room in a sample; of more, the last ones are left out.
const SAMPLED: usize = 8;

/// Numbers copied with interrupts off, to be written without haste.
struct Snapshot {
    counters: [Counters; SAMPLED],
    names: [SourceName; SAMPLED],
    hard: [bool; SAMPLED],
    hz: [u32; SAMPLED],
    missed: [u32; SAMPLED],
    value_names: [lab::Name; VALUES],
    values: [i32; VALUES],
    array_names: [lab::Name; ARRAYS],
    arrays: [[i32; ARRAY_ITEMS]; ARRAYS],
    histogram_names: [lab::Name; HISTOGRAMS],
    histograms: [[i32; protocol::board::LATENCY_BINS]; HISTOGRAMS],
}

static CONVERSATION: Shared<Conversation> = Shared::new(Conversation {
    host: None,
    baud: uart::DEFAULT_BAUD,
    number: 0,
    lost_frames: 0,
    samples: 0,
    frame: [0; MAX_FRAME_BYTES],
    snapshot: Snapshot {
        counters: [const { Counters::new() }; SAMPLED],
        names: [const { SourceName::new() }; SAMPLED],
        hard: [false; SAMPLED],
        hz: [0; SAMPLED],
        missed: [0; SAMPLED],
        value_names: [const { lab::Name::new() }; VALUES],
        values: [0; VALUES],
        array_names: [const { lab::Name::new() }; ARRAYS],
        arrays: [[0; ARRAY_ITEMS]; ARRAYS],
        histogram_names: [const { lab::Name::new() }; HISTOGRAMS],
        histograms: [[0; protocol::board::LATENCY_BINS]; HISTOGRAMS],
    },
});

static SAMPLE_DUE: AtomicBool = AtomicBool::new(false);
static HELLO_DUE: AtomicBool = AtomicBool::new(false);
/// When the sample became due, in the lower half of the ticks.
static DUE_SINCE: AtomicU32 = AtomicU32::new(0);

pub(crate) fn init() {
    interrupts::bind(Interrupt::FROM_CPU_INTR0, routine, interrupts::TELEMETRY);
}

/// It is time for a sample. At kernel level.
pub(crate) fn sample_due(now: u64) {
    if !SAMPLE_DUE.swap(true, Ordering::Relaxed) {
        DUE_SINCE.store(now as u32, Ordering::Relaxed);
    }
    Software::Telemetry.raise();
}

/// Says hello again: the VM has restarted.
pub(crate) fn say_hello() {
    HELLO_DUE.store(true, Ordering::Relaxed);
    Software::Telemetry.raise();
}

/// Something happened that a host should see at once.
pub(crate) fn hurry() {
    Software::Telemetry.raise();
}

/// A critical section is over: a sample that it held back can go.
pub(crate) fn section_ended() {
    if SAMPLE_DUE.load(Ordering::Relaxed) {
        Software::Telemetry.raise();
    }
}

/// This level was interrupted and will never go on: whatever it was doing is asked for again.
pub(crate) fn forget_interrupted() {
    Software::Telemetry.raise();
    if CONVERSATION.with(|conversation| conversation.host.is_some()) {
        alarm::set(Waiter::Sample, clock::ticks() + SLOW_PERIOD);
    }
}

extern "C" fn routine() {
    Software::Telemetry.clear();
    // SAFETY: this level does not nest, and nobody else holds a reference for longer than `with` does.
    let conversation = unsafe { &mut *CONVERSATION.get() };
    while let Some((from, message)) = mailbox::take() {
        conversation.answer(from, &message);
    }
    if HELLO_DUE.swap(false, Ordering::Relaxed) {
        conversation.hello();
    }
    conversation.tell_events();
    if SAMPLE_DUE.load(Ordering::Relaxed) {
        conversation.sample_unless_locked();
    }
    if let Some(why) = run::with(|run| run.ended.take()) {
        conversation.done(why);
    }
}

impl Conversation {
    fn period(&self) -> u64 {
        match self.host {
            Some(console::Id::Uart) if self.baud < FAST_BAUD => SLOW_PERIOD,
            _ => FAST_PERIOD,
        }
    }

    /// Writes a message to whoever greeted; `false`: the line is full.
    fn send(&mut self, message: &BoardMessage<'_>) -> bool {
        let Some(host) = self.host else { return true };
        self.send_to(host, message)
    }

    fn send_to(&mut self, to: console::Id, message: &BoardMessage<'_>) -> bool {
        let Ok(len) = protocol::frame::write(message, &mut self.frame) else { return false };
        console::send_frame(to, &self.frame[..len])
    }

    fn hello(&mut self) {
        let message = BoardMessage::Hello(Hello {
            v: protocol::VERSION,
            fw: env!("CARGO_PKG_VERSION"),
            mpy: port::VERSION,
            chip: "esp32c3",
            cpu_hz: esp_hal::clock::cpu_clock().as_hz(),
            boots: vm::restarts(),
            caps: &["hard", "soft", "pins", "native", "baud", "trace", "edges"],
        });
        self.send(&message);
    }

    // ---- from the host ------------------------------------------------------------------------

    fn answer(&mut self, from: console::Id, json: &[u8]) {
        let (id, result) = match host::parse(json) {
            Ok(message) => (message.id(), self.obey(from, &message)),
            Err(Unreadable::Unknown(id)) => (id, Err("unknown_message")),
            Err(Unreadable::Malformed) => (0, Err("unknown_message")),
        };
        let ack = Ack { id, ok: result.is_ok(), err: result.err() };
        self.send_to(from, &BoardMessage::Ack(ack));
    }

    fn obey(&mut self, from: console::Id, message: &HostMessage<'_>) -> Result<(), &'static str> {
        match *message {
            HostMessage::Greet { .. } => {
                self.host = Some(from);
                self.hello();
                alarm::set(Waiter::Sample, clock::ticks() + self.period());
            }
            HostMessage::Farewell { .. } => {
                self.host = None;
                edges::unwatch();
                alarm::cancel(Waiter::Sample);
                // Whoever comes next expects the usual speed.
                if self.baud != uart::DEFAULT_BAUD {
                    self.baud = uart::DEFAULT_BAUD;
                    uart::request_baud(self.baud);
                }
            }
            HostMessage::SetNumber { name, value, .. } => {
                lab::set_number(name, value).map_err(|refusal| refusal.code())?;
            }
            HostMessage::SetChoice { name, choice, .. } => {
                lab::set_choice(name, choice).map_err(|refusal| refusal.code())?;
            }
            HostMessage::Start { run, limit_ms, .. } => run::start(run, limit_ms),
            HostMessage::Stop { .. } => run::stop(),
            HostMessage::Watch { pins, .. } => edges::watch(pins),
            HostMessage::Unwatch { .. } => edges::unwatch(),
            HostMessage::Request { what: "hello", .. } => self.hello(),
            HostMessage::Request { what: "sample", .. } => self.sample(true),
            HostMessage::Request { .. } => return Err("unknown_message"),
            HostMessage::Baud { baud, .. } => {
                if !uart::BAUD_RANGE.contains(&baud) {
                    return Err("out_of_range");
                }
                self.baud = baud;
                uart::request_baud(baud);
            }
        }
        Ok(())
    }

    // ---- to the host --------------------------------------------------------------------------

    fn sample_unless_locked(&mut self) {
        let now = clock::ticks();
        if let Some(since) = lab::locked_since()
            && now < since + SECTION_PATIENCE
        {
            // Its end raises this interrupt; if it does not end, the alarm does.
            alarm::set(Waiter::Sample, since + SECTION_PATIENCE);
            return;
        }
        SAMPLE_DUE.store(false, Ordering::Relaxed);
        if self.host.is_none() {
            return;
        }
        let due = now - u64::from((now as u32).wrapping_sub(DUE_SINCE.load(Ordering::Relaxed)));
        alarm::set(Waiter::Sample, (due + self.period()).max(now + self.period() / 2));
        if uart::baud_requested() {
            return;
        }
        let with_lists = self.samples.is_multiple_of(LISTS_EVERY);
        self.samples = self.samples.wrapping_add(1);
        self.sample(with_lists);
    }

    fn sample(&mut self, with_lists: bool) {
        if self.host.is_none() {
            return;
        }
        self.number = self.number.wrapping_add(1);
        if !self.write_sample(with_lists) && (!with_lists || !self.write_sample(false)) {
            self.lost_frames += 1;
        }
    }

    /// Copies all numbers, source by source, and writes them as one frame.
    fn write_sample(&mut self, with_lists: bool) -> bool {
        let now = clock::ticks();
        let snapshot = &mut self.snapshot;
        let mut used = 0;
        for slot in 0..SLOTS {
            let is_used = sources::with(slot, |source| {
                let is_used = source.counters.used && used < SAMPLED;
                if is_used {
                    snapshot.counters[used] = source.counters;
                    snapshot.hard[used] = source.hard;
                    snapshot.hz[used] =
                        (TICKS_PER_SECOND + source.period / 2).checked_div(source.period).unwrap_or(0) as u32;
                    snapshot.missed[used] = source.missed(now);
                }
                is_used
            });
            if is_used {
                snapshot.names[used] = run::source_name(slot);
                used += 1;
            }
        }
        let (main, stall_max, locked_max, values, arrays, histograms) = lab::with(|lab| {
            for (i, value) in lab.values.iter().enumerate() {
                snapshot.value_names[i].clone_from(&value.name);
                snapshot.values[i] = value.number;
            }
            if with_lists {
                for (i, array) in lab.arrays.iter().enumerate() {
                    snapshot.array_names[i].clone_from(&array.name);
                    for item in 0..array.len {
                        // SAFETY: the array is kept alive by the module, and the VM that owns it exists.
                        snapshot.arrays[i][item] = unsafe { array.items.add(item).read_volatile() };
                    }
                }
                for (i, histogram) in lab.histograms.iter().enumerate() {
                    snapshot.histogram_names[i].clone_from(&histogram.name);
                    snapshot.histograms[i] = histogram.latencies.bins.map(|count| count as i32);
                }
            }
            let array_lengths: heapless::Vec<usize, ARRAYS> = lab.arrays.iter().map(|array| array.len).collect();
            let counts = (lab.values.len(), array_lengths, lab.histograms.len());
            (lab.main, lab.stall_max_us(), lab.locked_max_us(), counts.0, counts.1, counts.2)
        });
        let (run_id, run_us, qmax, exceptions) =
            run::with(|run| (run.id, run::elapsed_us(run, now), run.qmax, run.exceptions));
        // SAFETY: reads a counter of the VM.
        let depth = unsafe { port::port_queue_depth() };

        let snapshot = &self.snapshot;
        let src: heapless::Vec<Source<'_>, SAMPLED> = (0..used)
            .map(|slot| {
                let counters = &snapshot.counters[slot];
                let latencies = &counters.latencies;
                let (from, bins) = if with_lists { latencies.occupied() } else { (0, &[][..]) };
                Source {
                    id: &snapshot.names[slot],
                    hard: snapshot.hard[slot],
                    hz: snapshot.hz[slot],
                    expected: counters.fired + snapshot.missed[slot],
                    fired: counters.fired,
                    missed: snapshot.missed[slot],
                    ran: counters.ran,
                    dropped: counters.dropped,
                    queued: counters.queued as u8,
                    disabled: counters.disabled,
                    lat: Latency {
                        min: latencies.min(),
                        p50: latencies.quantile(50),
                        p99: latencies.quantile(99),
                        max: latencies.max(),
                        bins,
                        from: from as u8,
                    },
                }
            })
            .collect();
        let numbers: heapless::Vec<(&str, i32), VALUES> =
            (0..values).map(|i| (snapshot.value_names[i].as_str(), snapshot.values[i])).collect();
        let mut lists = heapless::Vec::<(&str, &[i32]), { ARRAYS + HISTOGRAMS }>::new();
        if with_lists {
            for (i, len) in arrays.iter().enumerate() {
                let _ = lists.push((&snapshot.array_names[i], &snapshot.arrays[i][..*len]));
            }
            for i in 0..histograms {
                let _ = lists.push((&snapshot.histogram_names[i], &snapshot.histograms[i]));
            }
        }
        let message = BoardMessage::Sample(Sample {
            n: self.number,
            us: now / TICKS_PER_MICRO,
            run: run_id,
            run_us,
            src: &src,
            q: depth as u8,
            qmax: qmax as u8,
            main,
            stall_max,
            locked_max,
            exc: exceptions,
            lost_frames: self.lost_frames,
            bad_bytes: console::bad_bytes(),
            v: Numbers(&numbers),
            h: Lists(&lists),
        });
        let Some(host) = self.host else { return true };
        let Ok(len) = protocol::frame::write(&message, &mut self.frame) else { return false };
        console::send_frame(host, &self.frame[..len])
    }

    /// Sends what happened, oldest first; what finds no room waits.
    fn tell_events(&mut self) {
        if self.host.is_none() {
            // Nobody asked: marks of a program that runs alone are not kept.
            run::with(|run| while run.take_event().is_some() {});
            run::with(|run| run.take_overflow());
            return;
        }
        for _ in 0..EVENTS_AT_ONCE {
            let Some(event) = run::with(|run| run.take_event()) else { break };
            if !self.tell(&event) {
                run::with(|run| run.return_event(event));
                return;
            }
        }
        let marks = run::with(|run| run.take_overflow());
        if marks > 0 {
            self.event(clock::micros(), What::Overflow { marks });
        }
        edges::tell(|what| self.event(clock::micros(), what));
        let now = clock::ticks();
        if let Some(recording) = lab::take_recording(now) {
            let what = What::Trace { trigger: &recording.trigger, points: &recording.points };
            self.event(now / TICKS_PER_MICRO, what);
        }
    }

    fn tell(&mut self, (us, happening): &run::Event) -> bool {
        let name;
        let what = match happening {
            Happening::Mark { mark, value } => What::Mark { mark: *mark, value: *value },
            Happening::Exception { context, class, text } => {
                What::Exception { context: run::context(*context), class, text }
            }
            Happening::Disabled { slot } => {
                name = run::source_name(*slot);
                What::Disabled { source: &name }
            }
            Happening::Guard { slot, starved_ms } => {
                name = run::source_name(*slot);
                What::Guard { source: &name, starved_ms: *starved_ms }
            }
            Happening::Control { name, value } => What::Control { name, value: *value },
        };
        self.event(*us, what)
    }

    /// Sends one event; only one that was sent takes a number.
    fn event(&mut self, us: u64, what: What<'_>) -> bool {
        let n = self.number.wrapping_add(1);
        let run = run::with(|run| run.id);
        let sent = self.send(&BoardMessage::Event(Event { n, us, run, what }));
        if sent {
            self.number = n;
        }
        sent
    }

    /// Everything that was not told yet, the final numbers, and the end.
    fn done(&mut self, why: &'static str) {
        if self.host.is_none() {
            return;
        }
        self.tell_events();
        self.sample(true);
        let n = self.number.wrapping_add(1);
        let (run, sleep) = run::with(|run| (run.id, run.asleep));
        if self.send(&BoardMessage::Done(Done { n, us: clock::micros(), run, why, sleep })) {
            self.number = n;
        } else {
            // The end of a run must not be lost: again with the next sample.
            run::with(|run| run.ended = Some(why));
        }
    }
}
