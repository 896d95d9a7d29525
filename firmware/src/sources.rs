//! Sources of Python callbacks: timers, pins, UART1, I2C0 as a target, and `lab.fire`.
//!
//! The interrupt routine of a source counts, sets the next alarm, and then calls (hard) or queues
//! (soft) the callback. A slot's state is changed by its own routine, and by others only with
//! interrupts off.

use esp_hal::peripherals::Interrupt;
use micropython_sys::{self as port, ALARMS, Hard, I2C_TARGET, SLOTS, SourceStats, TIMERS, UART};

use crate::clock::{self, Comparator, TICKS_PER_MICRO, TICKS_PER_SECOND};
use crate::counters::Counters;
use crate::interrupts::{self, Shared, Software};
use crate::lab::{self, Lane};
use crate::{guard, pins, run, virtual_timers};

/// A period shorter than this leaves no time between two interrupts.
const PERIOD_MIN_TICKS: u64 = 10 * TICKS_PER_MICRO;
/// The system timer counts 52 bits; alarms stay well inside.
const PERIOD_MAX_TICKS: u64 = 1 << 44;

/// When the events in the queue were due. The scheduler keeps eight; one more may be on its way to its callback.
type DueTimes = heapless::Deque<u64, 9>;

/// One source.
pub(crate) struct Source {
    pub(crate) counters: Counters,
    /// Alarms are armed, edges are listened for.
    pub(crate) active: bool,
    pub(crate) hard: bool,
    repeat: bool,
    /// Period and kind follow the lab's controls.
    follows_controls: bool,
    /// Timers only, in ticks.
    pub(crate) period: u64,
    started: u64,
    next: u64,
    due: DueTimes,
}

impl Source {
    const fn new() -> Self {
        Self {
            counters: Counters::new(),
            active: false,
            hard: false,
            repeat: false,
            follows_controls: false,
            period: 0,
            started: 0,
            next: 0,
            due: DueTimes::new(),
        }
    }

    /// Alarms that came on top of the pending one and have not been accounted for yet.
    fn overdue(&self, now: u64) -> u32 {
        if self.active && self.repeat && self.period > 0 && now >= self.next {
            ((now - self.next) / self.period) as u32
        } else {
            0
        }
    }

    /// Alarms missed up to `now`.
    pub(crate) fn missed(&self, now: u64) -> u32 {
        self.counters.merged + self.overdue(now)
    }
}

static SOURCES: [Shared<Source>; SLOTS] = [const { Shared::new(Source::new()) }; SLOTS];

/// The alarm of a timer with one of its own.
fn comparator(slot: usize) -> Comparator {
    if slot == 0 { Comparator::Timer0 } else { Comparator::Timer1 }
}

fn timer_interrupt(slot: usize) -> Interrupt {
    match slot {
        0 => Interrupt::SYSTIMER_TARGET0,
        1 => Interrupt::SYSTIMER_TARGET1,
        _ => Interrupt::TG0_T0_LEVEL,
    }
}

/// Makes a timer's alarm fire at `ticks`.
#[esp_hal::ram]
fn arm(slot: usize, ticks: u64) {
    if slot < ALARMS {
        clock::arm(comparator(slot), ticks);
    } else {
        virtual_timers::arm(slot, ticks);
    }
}

pub(crate) fn init() {
    interrupts::bind(Interrupt::SYSTIMER_TARGET0, timer0, interrupts::lesson_level(1));
    interrupts::bind(Interrupt::SYSTIMER_TARGET1, timer1, interrupts::lesson_level(1));
    interrupts::bind(Interrupt::GPIO, pins::routine, interrupts::lesson_level(1));
    interrupts::bind(Interrupt::FROM_CPU_INTR1, fired, interrupts::lesson_level(1));
}

/// Looks at (or changes) one source, with interrupts off.
pub(crate) fn with<R>(slot: usize, f: impl FnOnce(&mut Source) -> R) -> R {
    SOURCES[slot].with(f)
}

#[esp_hal::ram]
extern "C" fn timer0() {
    clock::acknowledge(Comparator::Timer0);
    alarm(0);
}

#[esp_hal::ram]
extern "C" fn timer1() {
    clock::acknowledge(Comparator::Timer1);
    alarm(1);
}

/// The alarm of a timer, which is acknowledged.
#[esp_hal::ram]
pub(crate) fn alarm(slot: usize) {
    let entered = clock::ticks();
    let due = with(slot, |source| {
        if !source.active {
            return None;
        }
        let due = source.next;
        if source.repeat {
            let mut next = due + source.period;
            if next <= entered {
                let merged = (entered - due) / source.period;
                source.counters.merged += merged as u32;
                next = due + (merged + 1) * source.period;
            }
            source.next = next;
            arm(slot, next);
        } else {
            source.active = false;
        }
        Some(due)
    });
    if let Some(due) = due {
        dispatch(slot, due, entered);
    }
}

/// Calls or queues the callback for an alarm that was due at `due`. From the slot's routine.
#[esp_hal::ram]
pub(crate) fn dispatch(slot: usize, due: u64, entered: u64) {
    lab::trace(Lane::Alarm, slot as i32);
    let hard = with(slot, |source| {
        source.counters.fired += 1;
        source.hard
    });
    if hard {
        let outer = guard::enter(slot, entered);
        with(slot, |source| {
            source.counters.ran += 1;
            source.counters.latencies.add(((clock::ticks() - due) / TICKS_PER_MICRO) as u32);
        });
        lab::trace(Lane::HardEnter, slot as i32);
        // SAFETY: this is the slot's routine, and no borrow is held.
        let outcome = unsafe { port::port_irq_hard(slot as u32) };
        lab::trace(Lane::HardExit, slot as i32);
        guard::leave(&outer, outcome == Hard::Aborted);
    } else {
        let accepted = interrupts::free(|| {
            // SAFETY: this is the slot's routine; queueing does not run Python.
            let accepted = unsafe { port::port_irq_soft(slot as u32) };
            with(slot, |source| {
                if accepted {
                    source.counters.queued += 1;
                    // There is room for all that can wait.
                    let _ = source.due.push_back(due);
                } else {
                    source.counters.dropped += 1;
                }
            });
            accepted
        });
        let depth = unsafe { port::port_queue_depth() };
        lab::trace(if accepted { Lane::Queued } else { Lane::Dropped }, depth as i32);
    }
}

/// Stops every source and forgets what is queued. The VM starts anew.
pub(crate) fn stop_all() {
    for slot in 0..SLOTS {
        stop(slot);
        with(slot, |source| {
            source.due.clear();
            source.counters.queued = 0;
            source.counters.restart();
        });
    }
}

/// Stops the sources that are running, and keeps their counters.
#[unsafe(export_name = "fw_silence")]
pub(crate) extern "C" fn silence() {
    (0..SLOTS).for_each(stop);
}

/// Stops one source, also one that is pending.
pub(crate) fn stop(slot: usize) {
    let was_active = with(slot, |source| core::mem::replace(&mut source.active, false));
    match slot {
        _ if slot < ALARMS => clock::disarm(comparator(slot)),
        _ if slot < TIMERS => virtual_timers::disarm(slot),
        UART | I2C_TARGET => {}
        _ if was_active => pins::ignore(slot),
        _ => {}
    }
}

/// Counters of a new run; timers go on.
pub(crate) fn restart_counters() {
    let now = clock::ticks();
    for slot in 0..SLOTS {
        with(slot, |source| {
            source.counters.restart();
            source.counters.used = source.active || source.counters.queued > 0;
            // Alarms before the start are not of this run.
            let overdue = source.overdue(now);
            source.next += u64::from(overdue) * source.period;
        });
    }
}

/// Marks a source as started now. With interrupts off.
pub(crate) fn begin(source: &mut Source, hard: bool, now: u64) {
    // The queue may hold events of before; they still run, and are counted.
    source.counters.restart();
    source.counters.used = true;
    source.hard = hard;
    source.started = now;
    source.active = true;
}

/// The control `rate` or `kind` changed. At telemetry level.
pub(crate) fn follow_controls(rate: u32, hard: bool) {
    let now = clock::ticks();
    with(0, |source| {
        if !source.follows_controls {
            return;
        }
        source.hard = hard;
        let period = TICKS_PER_SECOND / u64::from(rate.max(1));
        if period != source.period {
            source.period = period;
            if source.active {
                source.counters.merged += source.overdue(now);
                source.next = now + period;
                clock::arm(comparator(0), source.next);
            }
        }
    });
}

/// What `lab.fire` and `lab.burst` asked the software interrupt to do.
#[derive(Clone, Copy)]
enum Task {
    Fire,
    Burst,
}

static TASK: Shared<(Option<Task>, Hard)> = Shared::new((None, Hard::Raised));

extern "C" fn fired() {
    let entered = clock::ticks();
    Software::Fire.clear();
    match TASK.with(|task| task.0.take()) {
        Some(Task::Fire) => {
            let outer = guard::enter(SLOTS, entered);
            // SAFETY: this is the routine of lab.fire, and no borrow is held.
            let outcome = unsafe { port::port_irq_fired() };
            guard::leave(&outer, outcome == Hard::Aborted);
            TASK.with(|task| task.1 = outcome);
        }
        Some(Task::Burst) => dispatch(0, entered, entered),
        None => {}
    }
}

/// Raises the software interrupt and gives it the few cycles that it takes to arrive.
fn raise_fire() {
    const ARRIVAL_READS: u32 = 16;
    Software::Fire.raise();
    for _ in 0..ARRIVAL_READS {
        if TASK.with(|task| task.0.is_none()) {
            return;
        }
    }
}

/// Runs what C was given in the software interrupt; `Raised` where interrupts of lessons are masked.
#[unsafe(no_mangle)]
extern "C" fn fw_fire() -> Hard {
    TASK.with(|task| *task = (Some(Task::Fire), Hard::Raised));
    raise_fire();
    // Masked, it must not come later by surprise.
    Software::Fire.clear();
    TASK.with(|task| {
        task.0 = None;
        task.1
    })
}

/// Raises the alarm of timer 0 `count` times in a row, as if that many periods had passed.
#[unsafe(no_mangle)]
extern "C" fn fw_burst(count: u32) {
    with(0, |source| source.counters.used = true);
    for _ in 0..count {
        TASK.with(|task| {
            if task.0.is_some() {
                // Masked: the hardware would keep one alarm and merge the others.
                with(0, |source| source.counters.merged += 1);
            }
            task.0 = Some(Task::Burst);
        });
        raise_fire();
    }
}

#[unsafe(no_mangle)]
extern "C" fn fw_timer_start(slot: u32, period_ticks: u64, repeat: bool, hard: bool, priority: u32) -> i32 {
    if !(PERIOD_MIN_TICKS..=PERIOD_MAX_TICKS).contains(&period_ticks) {
        return -1;
    }
    let slot = slot as usize;
    start_timer(slot, period_ticks, repeat, hard, false);
    interrupts::set_level(timer_interrupt(slot), interrupts::lesson_level(priority as u8));
    0
}

#[unsafe(no_mangle)]
extern "C" fn fw_lab_timer_start() {
    let (rate, hard) = (lab::rate(), lab::hard());
    start_timer(0, TICKS_PER_SECOND / u64::from(rate.max(1)), true, hard, true);
    interrupts::set_level(timer_interrupt(0), interrupts::lesson_level(1));
}

fn start_timer(slot: usize, period: u64, repeat: bool, hard: bool, follows_controls: bool) {
    stop(slot);
    with(slot, |source| {
        let now = clock::ticks();
        begin(source, hard, now);
        source.repeat = repeat;
        source.period = period;
        source.follows_controls = follows_controls;
        source.next = now + period;
        arm(slot, source.next);
    });
    guard::watch();
}

#[unsafe(no_mangle)]
extern "C" fn fw_timer_stop(slot: u32) {
    stop(slot as usize);
}

#[unsafe(no_mangle)]
extern "C" fn fw_timer_elapsed_ticks(slot: u32) -> u64 {
    let now = clock::ticks();
    with(
        slot as usize,
        |source| {
            if source.active && source.period > 0 { (now - source.started) % source.period } else { 0 }
        },
    )
}

/// A queued event of the slot is about to call its callback. In main.
#[unsafe(no_mangle)]
extern "C" fn fw_soft_enter(slot: u32) {
    let now = clock::ticks();
    with(slot as usize, |source| {
        source.counters.queued = source.counters.queued.saturating_sub(1);
        source.counters.ran += 1;
        if let Some(due) = source.due.pop_front() {
            source.counters.latencies.add(((now - due) / TICKS_PER_MICRO) as u32);
        }
    });
    lab::trace(Lane::SoftEnter, slot as i32);
    lab::enter_callback();
}

#[unsafe(no_mangle)]
extern "C" fn fw_soft_exit(slot: u32) {
    lab::leave_callback();
    lab::trace(Lane::SoftExit, slot as i32);
}

/// The slot's hard callback ended with an exception, or was ended: it does not run again.
#[unsafe(no_mangle)]
extern "C" fn fw_source_failed(slot: u32) {
    let slot = slot as usize;
    stop(slot);
    with(slot, |source| source.counters.disabled = true);
    run::source_disabled(slot);
}

/// Stops a slot on behalf of the load guard.
pub(crate) fn disable(slot: usize) {
    stop(slot);
    with(slot, |source| source.counters.disabled = true);
}

#[unsafe(no_mangle)]
extern "C" fn fw_source_stats(slot: u32, stats: *mut SourceStats) {
    let now = clock::ticks();
    let result = with(slot as usize, |source| {
        let counters = &source.counters;
        let missed = source.missed(now);
        SourceStats {
            expected: counters.fired + missed,
            fired: counters.fired,
            missed,
            ran: counters.ran,
            dropped: counters.dropped,
            queued: counters.queued,
            disabled: counters.disabled.into(),
        }
    });
    // SAFETY: C hands over a writable structure.
    unsafe { stats.write(result) };
}
