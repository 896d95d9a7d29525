//! A run: from the host's `start` to the end of the program, with everything that happens in between
//! and has to be told.

use portable_atomic::{AtomicBool, Ordering};

use micropython_sys::{self as port, FIRST_PIN, I2C_TARGET, TIMERS, UART};
use protocol::board::Sleep;

use crate::alarm::{self, Waiter};
use crate::clock::{self, TICKS_PER_MICRO, TICKS_PER_SECOND};
use crate::interrupts::{Shared, Software};
use crate::lab::{self, Name};
use crate::{console, sources, telemetry, vm};

const EVENTS: usize = 48;
const CLASS_BYTES: usize = 32;
const TEXT_BYTES: usize = 96;

/// A `KeyboardInterrupt` may end a callback instead of main, so it is repeated: how often, and at what distance.
const INTERRUPTS: u32 = 5;
const STOP_PATIENCE: u64 = TICKS_PER_SECOND * 6 / 100;
/// A VM that was to be left at its next jump has so long before it is thrown away.
const ABORT_PATIENCE: u64 = TICKS_PER_SECOND / 5;

/// Where an exception happened; `FW_CONTEXT_*` of `port/firmware.h`.
fn context_name(context: u32) -> &'static str {
    match context {
        0 => "hard",
        1 => "soft",
        _ => "main",
    }
}

pub(crate) type SourceName = heapless::String<4>;

/// The name of a slot in telemetry.
pub(crate) fn source_name(slot: usize) -> SourceName {
    let (kind, number) = match slot {
        _ if slot < TIMERS => ('t', slot),
        _ if slot < UART => ('p', slot - FIRST_PIN),
        UART => ('u', 1),
        I2C_TARGET => ('i', 0),
        _ => ('f', 0),
    };
    let mut name = SourceName::new();
    // One letter and at most two digits fit.
    let _ = core::fmt::write(&mut name, format_args!("{kind}{number}"));
    name
}

/// What happened, as it is kept until it can be sent.
pub(crate) enum Happening {
    Mark { mark: u16, value: i32 },
    Exception { context: u32, class: heapless::String<CLASS_BYTES>, text: heapless::String<TEXT_BYTES> },
    Disabled { slot: usize },
    Guard { slot: usize, starved_ms: u32 },
    Control { name: Name, value: i32 },
}

/// When it happened, in microseconds since reset, and what.
pub(crate) type Event = (u64, Happening);

/// How far a stop has been pressed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    Interrupted(u32),
    Aborted,
}

/// The run that the numbers belong to.
pub(crate) struct Run {
    /// The host's number; 0 before the first.
    pub(crate) id: u32,
    pub(crate) started: u64,
    limit: Option<u64>,
    pub(crate) active: bool,
    stop: Stop,
    /// Why it ended, until `done` is sent.
    pub(crate) ended: Option<&'static str>,
    /// The deep sleep that it ended with.
    pub(crate) asleep: Option<Sleep<'static>>,
    pub(crate) exceptions: u32,
    pub(crate) qmax: u32,
    events: heapless::Deque<Event, EVENTS>,
    overflowed: u32,
}

static RUN: Shared<Run> = Shared::new(Run {
    id: 0,
    started: 0,
    limit: None,
    active: false,
    stop: Stop::No,
    ended: None,
    asleep: None,
    exceptions: 0,
    qmax: 0,
    events: heapless::Deque::new(),
    overflowed: 0,
});

/// `lab.running()` is false: a stop was asked for outside a run, too.
static STOPPING: AtomicBool = AtomicBool::new(false);
/// Main executes a program. (Whether Ctrl-C interrupts it is the program's own affair.)
static EXECUTING: AtomicBool = AtomicBool::new(false);

/// Looks at the run, with interrupts off.
pub(crate) fn with<R>(f: impl FnOnce(&mut Run) -> R) -> R {
    RUN.with(f)
}

impl Run {
    /// Takes the oldest event.
    pub(crate) fn take_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Puts an event back that could not be sent.
    pub(crate) fn return_event(&mut self, event: Event) {
        if self.events.push_front(event).is_err() {
            self.overflowed += 1;
        }
    }

    /// Takes the number of events that found no room.
    pub(crate) fn take_overflow(&mut self) -> u32 {
        core::mem::take(&mut self.overflowed)
    }

    fn note(&mut self, us: u64, happening: Happening) {
        if self.events.push_back((us, happening)).is_err() {
            self.overflowed += 1;
        }
    }
}

fn note(happening: Happening) {
    let us = clock::micros();
    RUN.with(|run| run.note(us, happening));
}

/// The host starts a run: everything is counted from now on. At telemetry level.
pub(crate) fn start(id: u32, limit_ms: u32) {
    sources::restart_counters();
    lab::begin_run();
    STOPPING.store(false, Ordering::Relaxed);
    RUN.with(|run| {
        let started = clock::ticks();
        run.id = id;
        run.started = started;
        run.limit = (limit_ms > 0).then(|| started + u64::from(limit_ms) * (TICKS_PER_SECOND / 1000));
        run.active = true;
        run.stop = Stop::No;
        run.ended = None;
        run.asleep = None;
        run.exceptions = 0;
        // SAFETY: reads a counter of the VM.
        run.qmax = unsafe { port::port_queue_depth() };
        run.events.clear();
        run.overflowed = 0;
    });
}

/// The host stops the run, or whatever program runs. At telemetry level.
pub(crate) fn stop() {
    sources::silence();
    STOPPING.store(true, Ordering::Relaxed);
    // SAFETY: only sets flags of the VM; interrupts that do the same are kept out.
    let program_runs = RUN.with(|run| unsafe {
        let program_runs = EXECUTING.load(Ordering::Relaxed);
        if program_runs {
            port::port_keyboard_interrupt();
            run.stop = Stop::Interrupted(1);
        }
        program_runs
    });
    if program_runs {
        alarm::set(Waiter::Stop, clock::ticks() + STOP_PATIENCE);
    } else {
        STOPPING.store(false, Ordering::Relaxed);
        end("stopped");
    }
}

/// Main has not given in to a stop. At kernel level.
pub(crate) fn press_stop(now: u64) {
    let stop = RUN.with(|run| run.stop);
    match stop {
        Stop::No => {}
        Stop::Interrupted(times) if times < INTERRUPTS => {
            // SAFETY: flags of the VM, and this level excludes everything that touches them.
            unsafe { port::port_keyboard_interrupt() };
            RUN.with(|run| run.stop = Stop::Interrupted(times + 1));
            alarm::set(Waiter::Stop, now + STOP_PATIENCE);
        }
        Stop::Interrupted(_) => {
            // SAFETY: a flag of the VM.
            unsafe { port::port_vm_abort(true) };
            RUN.with(|run| run.stop = Stop::Aborted);
            alarm::set(Waiter::Stop, now + ABORT_PATIENCE);
        }
        Stop::Aborted => {
            vm_given_up();
            vm::restart_on_return();
        }
    }
}

/// The VM is about to be thrown away: the run ends with it.
pub(crate) fn vm_given_up() {
    end("restarted");
}

/// Ends the run, if there is one; `done` follows.
fn end(why: &'static str) {
    alarm::cancel(Waiter::Stop);
    RUN.with(|run| {
        run.stop = Stop::No;
        if run.active {
            run.active = false;
            run.ended = Some(why);
        }
    });
    Software::Telemetry.raise();
}

/// The program ends the run with a deep sleep, or that sleep is over, and a reset follows. In main.
pub(crate) fn asleep(sleep: Sleep<'static>) {
    RUN.with(|run| {
        if run.active || run.asleep.is_some() {
            run.active = false;
            run.asleep = Some(sleep);
            run.ended = Some("deep_sleep");
        }
    });
    Software::Telemetry.raise();
}

/// A fresh VM: whatever ran before is over.
pub(crate) fn vm_started() {
    EXECUTING.store(false, Ordering::Relaxed);
    STOPPING.store(false, Ordering::Relaxed);
    end("restarted");
}

/// A program, or a line typed at the prompt, begins. In main.
#[unsafe(no_mangle)]
extern "C" fn fw_program_begins() {
    EXECUTING.store(true, Ordering::Relaxed);
}

/// A line typed at the prompt has been executed. In main.
#[unsafe(no_mangle)]
extern "C" fn fw_statement_ended() {
    EXECUTING.store(false, Ordering::Relaxed);
    if STOPPING.swap(false, Ordering::Relaxed) {
        end("stopped");
    }
}

/// A program has ended. In main.
#[unsafe(no_mangle)]
extern "C" fn fw_program_ended(raised: bool) {
    // A critical section that the program left open would hold interrupts and samples back for ever.
    crate::lab::fw_lesson_irq_enable(1);
    EXECUTING.store(false, Ordering::Relaxed);
    let stopped = STOPPING.swap(false, Ordering::Relaxed);
    end(match (stopped, raised) {
        (true, _) => "stopped",
        (false, true) => "exception",
        (false, false) => "finished",
    });
}

#[unsafe(no_mangle)]
extern "C" fn fw_done() {
    end(if STOPPING.load(Ordering::Relaxed) { "stopped" } else { "finished" });
}

#[unsafe(no_mangle)]
extern "C" fn fw_running() -> bool {
    !STOPPING.load(Ordering::Relaxed) && RUN.with(|run| run.limit).is_none_or(|limit| clock::ticks() < limit)
}

/// The scheduler's queue has grown. With interrupts off.
#[unsafe(no_mangle)]
extern "C" fn fw_queue_grew() {
    // SAFETY: reads a counter of the VM.
    let depth = unsafe { port::port_queue_depth() };
    RUN.with(|run| run.qmax = run.qmax.max(depth));
}

/// Where a debugger, or the race explorer, waits for `lab.mark(n, value)`.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn lab_mark_hook(mark: u32, value: i32) {
    core::hint::black_box((mark, value));
}

#[unsafe(no_mangle)]
extern "C" fn fw_mark(mark: u32, value: i32) {
    lab_mark_hook(mark, value);
    note(Happening::Mark { mark: mark as u16, value });
}

/// As much of `bytes` as fits, cut at a character.
fn cut<const N: usize>(bytes: *const u8, len: usize) -> heapless::String<N> {
    // SAFETY: C hands over a readable text of that length.
    let bytes = unsafe { core::slice::from_raw_parts(bytes, len) };
    let text = core::str::from_utf8(bytes)
        .unwrap_or_else(|error| core::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default());
    let mut result = heapless::String::new();
    for character in text.chars() {
        if result.push(character).is_err() {
            break;
        }
    }
    result
}

#[unsafe(no_mangle)]
extern "C" fn fw_report_exception(context: u32, class: *const u8, class_len: usize, text: *const u8, text_len: usize) {
    let us = clock::micros();
    let happening = Happening::Exception { context, class: cut(class, class_len), text: cut(text, text_len) };
    RUN.with(|run| {
        run.exceptions += 1;
        run.note(us, happening);
    });
}

/// A hard callback was removed after an exception.
pub(crate) fn source_disabled(slot: usize) {
    note(Happening::Disabled { slot });
}

/// A hard callback that did not return was ended.
pub(crate) fn callback_aborted(slot: usize) {
    note(Happening::Disabled { slot });
}

/// The load guard stopped a source. At kernel level.
pub(crate) fn guard_tripped(slot: usize, starved_ms: u32) {
    note(Happening::Guard { slot, starved_ms });
    let mut sentence = heapless::String::<112>::new();
    let (what, number) = match slot {
        _ if slot < TIMERS => ("Timer", slot),
        _ if slot < UART => ("Pin", slot - FIRST_PIN),
        UART => ("UART", 1),
        I2C_TARGET => ("I2CTarget", 0),
        _ => ("lab.fire", 0),
    };
    // The longest of these sentences fits.
    let _ = core::fmt::write(
        &mut sentence,
        format_args!("\r\n{what}({number}): its interrupt left main no time for {starved_ms} ms and was stopped\r\n"),
    );
    console::say(&sentence);
}

/// A control has a new value that the program can see.
pub(crate) fn control_changed(name: &Name, value: i32) {
    note(Happening::Control { name: name.clone(), value });
    telemetry::hurry();
}

/// Microseconds of `ticks` since the run began.
pub(crate) fn elapsed_us(run: &Run, now: u64) -> u64 {
    if run.id == 0 { 0 } else { (now - run.started) / TICKS_PER_MICRO }
}

/// What the message of an event says of the context.
pub(crate) fn context(context: u32) -> &'static str {
    context_name(context)
}
