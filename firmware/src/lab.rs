//! What a lesson's program and the host say to each other through the `lab` module: controls one way,
//! numbers, histograms, marks and recordings the other way.
//!
//! The tables are emptied by `start` and by a restart of the VM; what the host set for a run is kept
//! until the program declares it.

use portable_atomic::{AtomicBool, AtomicU32, Ordering};

use micropython_sys::Text;
pub(crate) use protocol::board::Lane;

use crate::clock::{self, TICKS_PER_MICRO};
use crate::counters::Latencies;
use crate::interrupts::{self, Shared};
pub(crate) use crate::names::Name;
use crate::names::{NAME_TOO_LONG, OTHER_KIND, RESERVED_NAME, TOO_MANY, bytes, is_reserved, name};
use crate::{run, sources, telemetry};

const CONTROLS: usize = 12;
const OPTIONS: usize = 12;
const PRESETS: usize = 16;
pub(crate) const VALUES: usize = 24;
pub(crate) const HISTOGRAMS: usize = 2;
pub(crate) const ARRAYS: usize = 4;
/// Length limit of a published array.
pub(crate) const ARRAY_ITEMS: usize = 32;

/// Controls that every program has.
const RATE: usize = 0;
const KIND: usize = 1;
const RATE_DEFAULT: i32 = 1000;
const RATE_MIN: i32 = 1;
const RATE_MAX: i32 = 50_000;

#[derive(Clone, Copy)]
enum Domain {
    Number { lo: i32, hi: i32 },
    Choice { options: [Text; OPTIONS], count: usize },
}

struct Control {
    name: Name,
    value: i32,
    domain: Domain,
}

#[derive(Clone)]
enum Preset {
    Number(i32),
    Choice(Name),
}

/// What the host wants a control to be, once a program declares it.
struct Wish {
    name: Name,
    preset: Preset,
    /// Runs started when it was made; one that is older than the last run is forgotten.
    run: u32,
}

/// A named number.
pub(crate) struct Value {
    pub(crate) name: Name,
    pub(crate) number: i32,
}

/// A named list that Python owns.
pub(crate) struct Array {
    pub(crate) name: Name,
    pub(crate) items: *const i32,
    pub(crate) len: usize,
}

/// A named distribution.
pub(crate) struct Histogram {
    pub(crate) name: Name,
    pub(crate) latencies: Latencies,
}

/// Everything that a program declared.
pub(crate) struct Lab {
    controls: heapless::Vec<Control, CONTROLS>,
    wishes: heapless::Vec<Wish, PRESETS>,
    runs: u32,
    pub(crate) values: heapless::Vec<Value, VALUES>,
    pub(crate) histograms: heapless::Vec<Histogram, HISTOGRAMS>,
    pub(crate) arrays: heapless::Vec<Array, ARRAYS>,
    pub(crate) main: u32,
    last_beat: Option<u64>,
    stall_max: u64,
    locked_since: Option<u64>,
    locked_max: u64,
}

// SAFETY: the raw pointers are followed only with interrupts off, while the VM that owns the memory exists.
unsafe impl Send for Lab {}

static LAB: Shared<Lab> = Shared::new(Lab {
    controls: heapless::Vec::new(),
    wishes: heapless::Vec::new(),
    runs: 0,
    values: heapless::Vec::new(),
    histograms: heapless::Vec::new(),
    arrays: heapless::Vec::new(),
    main: 0,
    last_beat: None,
    stall_max: 0,
    locked_since: None,
    locked_max: 0,
});

/// Looks at what the program declared, with interrupts off.
pub(crate) fn with<R>(f: impl FnOnce(&mut Lab) -> R) -> R {
    LAB.with(f)
}

impl Lab {
    pub(crate) fn stall_max_us(&self) -> u32 {
        (self.stall_max / TICKS_PER_MICRO) as u32
    }

    pub(crate) fn locked_max_us(&self) -> u32 {
        (self.locked_max / TICKS_PER_MICRO) as u32
    }

    fn find(&self, name: &[u8]) -> Option<usize> {
        self.controls.iter().position(|control| control.name.as_bytes() == name)
    }

    fn forget_declared(&mut self) {
        self.controls.clear();
        self.values.clear();
        self.histograms.clear();
        self.arrays.clear();
        const SOFT_HARD: [&str; 2] = ["hard", "soft"];
        let mut options = [Text { text: core::ptr::null(), len: 0 }; OPTIONS];
        for (option, text) in options.iter_mut().zip(SOFT_HARD) {
            *option = Text { text: text.as_ptr(), len: text.len() };
        }
        self.declare("rate", RATE_DEFAULT, Domain::Number { lo: RATE_MIN, hi: RATE_MAX });
        self.declare("kind", 0, Domain::Choice { options, count: SOFT_HARD.len() });
    }

    fn declare(&mut self, name: &str, value: i32, domain: Domain) -> i32 {
        let Ok(name) = Name::try_from(name) else { return NAME_TOO_LONG };
        if is_reserved(&name) {
            return RESERVED_NAME;
        }
        if self.values.iter().any(|value| value.name == name) {
            return OTHER_KIND;
        }
        let wished = self.wishes.iter().find(|wish| wish.name == name).map(|wish| wish.preset.clone());
        let value = wished.and_then(|preset| accept(&domain, &preset).ok()).unwrap_or(value);
        let existing = self.find(name.as_bytes());
        if let Some(index) = existing {
            let control = &mut self.controls[index];
            if core::mem::discriminant(&control.domain) != core::mem::discriminant(&domain) {
                return OTHER_KIND;
            }
            if index == KIND {
                // The firmware knows its options by number.
                return if same_options(&control.domain, &domain) { KIND as i32 } else { OTHER_KIND };
            }
            control.domain = domain;
            control.value = value;
            return index as i32;
        }
        let index = self.controls.len();
        match self.controls.push(Control { name, value, domain }) {
            Ok(()) => index as i32,
            Err(_) => TOO_MANY,
        }
    }

    fn begin_run(&mut self) {
        self.runs += 1;
        let runs = self.runs;
        self.wishes.retain(|wish| wish.run + 1 >= runs);
        self.main = 0;
        self.last_beat = None;
        self.stall_max = 0;
        self.locked_max = 0;
    }
}

/// Why a control cannot be set so; the codes of `protocol::board::Ack`.
pub(crate) enum Refusal {
    OutOfRange,
    UnknownOption,
}

impl Refusal {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::OutOfRange => "out_of_range",
            Self::UnknownOption => "unknown_option",
        }
    }
}

fn same_options(one: &Domain, other: &Domain) -> bool {
    match (one, other) {
        (Domain::Choice { options: a, count: n }, Domain::Choice { options: b, count: m }) => {
            n == m && a[..*n].iter().zip(&b[..*m]).all(|(a, b)| bytes(*a) == bytes(*b))
        }
        _ => false,
    }
}

fn accept(domain: &Domain, preset: &Preset) -> Result<i32, Refusal> {
    match (domain, preset) {
        (Domain::Number { lo, hi }, Preset::Number(value)) if (lo..=hi).contains(&value) => Ok(*value),
        (Domain::Number { .. }, _) => Err(Refusal::OutOfRange),
        (Domain::Choice { options, count }, Preset::Choice(choice)) => options[..*count]
            .iter()
            .position(|option| bytes(*option) == choice.as_bytes())
            .map(|index| index as i32)
            .ok_or(Refusal::UnknownOption),
        (Domain::Choice { .. }, Preset::Number(_)) => Err(Refusal::UnknownOption),
    }
}

/// The host sets a number. At telemetry level.
pub(crate) fn set_number(name: &str, value: i32) -> Result<(), Refusal> {
    set(name, Preset::Number(value))
}

/// The host sets a choice. At telemetry level.
pub(crate) fn set_choice(name: &str, choice: &str) -> Result<(), Refusal> {
    let choice = Name::try_from(choice).map_err(|_| Refusal::UnknownOption)?;
    set(name, Preset::Choice(choice))
}

fn set(name: &str, preset: Preset) -> Result<(), Refusal> {
    let name = Name::try_from(name).map_err(|_| Refusal::UnknownOption)?;
    let changed = LAB.with(|lab| {
        let mut changed = None;
        if let Some(index) = lab.find(name.as_bytes()) {
            let control = &mut lab.controls[index];
            let value = accept(&control.domain, &preset)?;
            if value != control.value {
                control.value = value;
                changed = Some(value);
            }
        }
        lab.wishes.retain(|wish| wish.name != name);
        if lab.wishes.is_full() {
            lab.wishes.remove(0);
        }
        let run = lab.runs;
        // There is room: one was just removed if there was none.
        let _ = lab.wishes.push(Wish { name: name.clone(), preset, run });
        Ok(changed)
    })?;
    if let Some(value) = changed {
        sources::follow_controls(rate(), hard());
        run::control_changed(&name, value);
    }
    Ok(())
}

/// The control `rate`, in Hz.
pub(crate) fn rate() -> u32 {
    LAB.with(|lab| lab.controls.get(RATE).map_or(RATE_DEFAULT, |control| control.value)).max(RATE_MIN) as u32
}

/// Whether the control `kind` is `hard`.
pub(crate) fn hard() -> bool {
    LAB.with(|lab| lab.controls.get(KIND).is_none_or(|control| control.value == 0))
}

/// A run begins. At telemetry level, while no program runs.
pub(crate) fn begin_run() {
    LAB.with(|lab| {
        lab.begin_run();
        lab.forget_declared();
    });
    TRACE.with(Recorder::clear);
}

/// The VM that owned the tables' memory is gone. With the VM not running.
pub(crate) fn forget_vm() {
    LAB.with(|lab| {
        lab.forget_declared();
        lab.locked_since = None;
    });
    TRACE.with(Recorder::clear);
    TRACING.store(false, Ordering::Relaxed);
    CALLBACK_DEPTH.store(0, Ordering::Relaxed);
}

/// Since when a critical section holds samples back, in ticks.
pub(crate) fn locked_since() -> Option<u64> {
    LAB.with(|lab| lab.locked_since)
}

// ---- functions of the module ------------------------------------------------------------------

#[unsafe(no_mangle)]
extern "C" fn fw_control_number(text: Text, value: i32, lo: i32, hi: i32) -> i32 {
    let Some(name) = name(text) else { return NAME_TOO_LONG };
    let index = LAB.with(|lab| lab.declare(&name, value, Domain::Number { lo, hi }));
    sources::follow_controls(rate(), hard());
    index
}

#[unsafe(no_mangle)]
extern "C" fn fw_control_choice(text: Text, options: *const Text, count: usize, index: i32) -> i32 {
    let Some(name) = name(text) else { return NAME_TOO_LONG };
    let mut texts = [Text { text: core::ptr::null(), len: 0 }; OPTIONS];
    let count = count.min(OPTIONS);
    for (i, slot) in texts.iter_mut().take(count).enumerate() {
        // SAFETY: C hands over `count` texts.
        *slot = unsafe { options.add(i).read() };
    }
    LAB.with(|lab| lab.declare(&name, index, Domain::Choice { options: texts, count }))
}

#[unsafe(no_mangle)]
extern "C" fn fw_control_find(text: Text) -> i32 {
    LAB.with(|lab| lab.find(bytes(text)).map_or(TOO_MANY, |index| index as i32))
}

#[unsafe(no_mangle)]
extern "C" fn fw_control_is_choice(control: u32) -> bool {
    LAB.with(|lab| matches!(lab.controls.get(control as usize).map(|c| c.domain), Some(Domain::Choice { .. })))
}

#[unsafe(no_mangle)]
extern "C" fn fw_control_value(control: u32) -> i32 {
    LAB.with(|lab| lab.controls.get(control as usize).map_or(0, |control| control.value))
}

#[unsafe(no_mangle)]
extern "C" fn fw_rate() -> u32 {
    rate()
}

#[unsafe(no_mangle)]
extern "C" fn fw_hard() -> bool {
    hard()
}

#[unsafe(no_mangle)]
extern "C" fn fw_value_slot(text: Text) -> i32 {
    LAB.with(|lab| {
        if let Some(slot) = lab.values.iter().position(|value| value.name.as_bytes() == bytes(text)) {
            return slot as i32;
        }
        let Some(name) = name(text) else { return NAME_TOO_LONG };
        if is_reserved(&name) {
            return RESERVED_NAME;
        }
        if lab.find(name.as_bytes()).is_some() {
            return OTHER_KIND;
        }
        let slot = lab.values.len();
        lab.values.push(Value { name, number: 0 }).map_or(TOO_MANY, |()| slot as i32)
    })
}

/// Runs `f` with a number; a slot of an earlier run is ignored.
fn number<R: Default>(slot: u32, f: impl FnOnce(&mut i32) -> R) -> R {
    LAB.with(|lab| lab.values.get_mut(slot as usize).map(|value| f(&mut value.number)).unwrap_or_default())
}

#[unsafe(no_mangle)]
extern "C" fn fw_value_set(slot: u32, value: i32) {
    number(slot, |number| *number = value);
}

#[unsafe(no_mangle)]
extern "C" fn fw_value_get(slot: u32) -> i32 {
    number(slot, |number| *number)
}

#[unsafe(no_mangle)]
extern "C" fn fw_value_add(slot: u32, value: i32) {
    number(slot, |number| *number = number.wrapping_add(value));
}

#[unsafe(no_mangle)]
extern "C" fn fw_histogram_slot(text: Text) -> i32 {
    let Some(name) = name(text) else { return NAME_TOO_LONG };
    if is_reserved(&name) {
        return RESERVED_NAME;
    }
    LAB.with(|lab| {
        if let Some(slot) = lab.histograms.iter().position(|histogram| histogram.name == name) {
            return slot as i32;
        }
        let slot = lab.histograms.len();
        lab.histograms.push(Histogram { name, latencies: Latencies::new() }).map_or(TOO_MANY, |()| slot as i32)
    })
}

#[unsafe(no_mangle)]
extern "C" fn fw_histogram_add(slot: u32, us: u32) {
    LAB.with(|lab| {
        if let Some(histogram) = lab.histograms.get_mut(slot as usize) {
            histogram.latencies.add(us);
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn fw_array_slot(text: Text, items: *const i32, len: usize) -> i32 {
    let Some(name) = name(text) else { return NAME_TOO_LONG };
    if is_reserved(&name) {
        return RESERVED_NAME;
    }
    let len = len.min(ARRAY_ITEMS);
    LAB.with(|lab| {
        if let Some(slot) = lab.arrays.iter().position(|array| array.name == name) {
            lab.arrays[slot] = Array { name, items, len };
            return slot as i32;
        }
        let slot = lab.arrays.len();
        lab.arrays.push(Array { name, items, len }).map_or(TOO_MANY, |()| slot as i32)
    })
}

#[unsafe(no_mangle)]
extern "C" fn fw_beat(loops: u32) {
    let now = clock::ticks();
    LAB.with(|lab| {
        lab.main = lab.main.wrapping_add(loops);
        if let Some(last) = lab.last_beat.replace(now) {
            // A callback may beat, too, between the two lines above.
            lab.stall_max = lab.stall_max.max(now.saturating_sub(last));
        }
    });
}

/// Masks the interrupts of lessons and starts the clock of the section; returns what to give back.
#[unsafe(no_mangle)]
extern "C" fn fw_lesson_irq_disable() -> u32 {
    // A sample that came between masking and noting it would take its time with the lessons' interrupts masked.
    interrupts::free(|| {
        let was_enabled = interrupts::lesson_disable();
        if was_enabled {
            let now = clock::ticks();
            LAB.with(|lab| lab.locked_since = Some(now));
        }
        was_enabled.into()
    })
}

#[unsafe(no_mangle)]
pub(crate) extern "C" fn fw_lesson_irq_enable(was_enabled: u32) {
    if was_enabled == 0 {
        return;
    }
    interrupts::free(|| {
        let now = clock::ticks();
        LAB.with(|lab| {
            if let Some(since) = lab.locked_since.take() {
                lab.locked_max = lab.locked_max.max(now.saturating_sub(since));
            }
        });
        interrupts::lesson_restore(true);
    });
    // Not before the lessons' interrupts may come: the sample is taken at once.
    telemetry::section_ended();
}

// ---- recordings for the timeline --------------------------------------------------------------

const POINTS: usize = 48;
/// What is still recorded after the trigger.
const POINTS_AFTER: usize = 12;
/// A recording takes room on the line: so many ticks lie between two of them.
const PAUSE: u64 = clock::TICKS_PER_SECOND / 4;

/// One recorded instant.
#[derive(Clone, Copy)]
pub(crate) struct Point {
    ticks: u64,
    lane: Lane,
    value: i32,
}

/// A recording that is ready to be sent.
pub(crate) struct Recording {
    pub(crate) trigger: Name,
    pub(crate) points: heapless::Vec<protocol::board::TracePoint, POINTS>,
}

struct Recorder {
    points: heapless::Deque<Point, POINTS>,
    trigger: Option<(Name, u64)>,
    after: usize,
    sent: Option<u64>,
}

impl Recorder {
    fn clear(&mut self) {
        self.points.clear();
        self.trigger = None;
    }

    fn add(&mut self, point: Point) {
        if self.trigger.is_some() {
            if self.after == 0 {
                return;
            }
            self.after -= 1;
        }
        if self.points.is_full() {
            self.points.pop_front();
        }
        // There is room: one was just removed if there was none.
        let _ = self.points.push_back(point);
    }
}

static TRACE: Shared<Recorder> =
    Shared::new(Recorder { points: heapless::Deque::new(), trigger: None, after: 0, sent: None });
/// The program uses the recorder; otherwise nobody pays for it.
static TRACING: AtomicBool = AtomicBool::new(false);
static CALLBACK_DEPTH: AtomicU32 = AtomicU32::new(0);

/// A callback begins, hard or soft.
#[esp_hal::ram]
pub(crate) fn enter_callback() {
    CALLBACK_DEPTH.store(CALLBACK_DEPTH.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
}

/// A callback is over.
#[esp_hal::ram]
pub(crate) fn leave_callback() {
    CALLBACK_DEPTH.store(CALLBACK_DEPTH.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
}

/// Records an instant, if the program uses the recorder. From anywhere.
#[inline(always)]
pub(crate) fn trace(lane: Lane, value: i32) {
    if TRACING.load(Ordering::Relaxed) {
        record(lane, value);
    }
}

fn record(lane: Lane, value: i32) {
    let ticks = clock::ticks();
    TRACE.with(|recorder| recorder.add(Point { ticks, lane, value }));
}

#[unsafe(no_mangle)]
extern "C" fn fw_trace(value: i32) {
    TRACING.store(true, Ordering::Relaxed);
    let in_callback = CALLBACK_DEPTH.load(Ordering::Relaxed) > 0;
    record(if in_callback { Lane::Callback } else { Lane::Main }, value);
}

#[unsafe(no_mangle)]
extern "C" fn fw_trigger(text: Text) {
    TRACING.store(true, Ordering::Relaxed);
    let now = clock::ticks();
    let Some(name) = name(text) else { return };
    TRACE.with(|recorder| {
        if recorder.trigger.is_none() && recorder.sent.is_none_or(|sent| now >= sent + PAUSE) {
            recorder.trigger = Some((name, now));
            recorder.after = POINTS_AFTER;
        }
    });
}

/// Takes the recording, if a trigger came and what follows it is recorded (or a moment has passed).
pub(crate) fn take_recording(now: u64) -> Option<Recording> {
    const SETTLE: u64 = clock::TICKS_PER_SECOND / 50;
    TRACE.with(|recorder| {
        let (_, triggered) = recorder.trigger.as_ref()?;
        if recorder.after > 0 && now < triggered + SETTLE {
            return None;
        }
        let (trigger, triggered) = recorder.trigger.take()?;
        recorder.sent = Some(now);
        let ns = |ticks: u64| {
            let ticks = ticks as i64 - triggered as i64;
            (ticks * 125 / 2).clamp(i32::MIN.into(), i32::MAX.into()) as i32
        };
        let points = recorder
            .points
            .iter()
            .map(|point| protocol::board::TracePoint { ns: ns(point.ticks), lane: point.lane, value: point.value })
            .collect();
        recorder.points.clear();
        Some(Recording { trigger, points })
    })
}
