//! The load guard: interrupts that leave main no time are stopped from outside the VM.
//!
//! It adds up the time spent in hard callbacks, and in the routine of pins, whose level may interrupt for ever. When main got less than a hundredth of each of the
//! last windows, the source that used most of them is stopped; a callback that does not return even
//! then is left by force, first at its next jump, then with the whole VM.

use portable_atomic::{AtomicBool, Ordering};

use micropython_sys::{self as port, FIRST_PIN, SLOTS};

use crate::alarm::{self, Waiter};
use crate::clock::{self, TICKS_PER_MICRO, TICKS_PER_SECOND};
use crate::interrupts::Shared;
use crate::{lab, run, sources, vm};

/// How often the guard looks, in ticks.
const WINDOW: u64 = TICKS_PER_SECOND / 20;
/// So many windows without progress are too many: 200 ms.
const PATIENCE_WINDOWS: u32 = 4;
/// Main stands still if it got less than one part in so many of a window.
const MAIN_SHARE: u64 = 100;
/// Entering and leaving an interrupt takes time that is nobody's; so much is not counted as main's, in ticks.
const ENTRY_COST: u64 = 5 * TICKS_PER_MICRO;
/// A single call longer than this does not end by itself, in ticks.
const ENDLESS: u64 = TICKS_PER_SECOND / 10;
/// After so many windows the VM is given up together with the callback.
const FORCE_WINDOWS: u32 = 6;

/// Slots, and one place for `lab.fire`.
const PLACES: usize = SLOTS + 1;

struct State {
    /// Nested hard callbacks now.
    depth: u32,
    /// The innermost one, and since when it runs.
    current: usize,
    current_since: u64,
    /// Since when any runs.
    busy_since: u64,
    /// Since the last look: time in hard callbacks, their number, and time by place.
    busy: u64,
    calls: u64,
    by_place: [u64; PLACES],
    starving_windows: u32,
    looked: u64,
    /// Windows since a callback was told to give up.
    aborting: u32,
}

impl State {
    const fn new() -> Self {
        Self {
            depth: 0,
            current: 0,
            current_since: 0,
            busy_since: 0,
            busy: 0,
            calls: 0,
            by_place: [0; PLACES],
            starving_windows: 0,
            looked: 0,
            aborting: 0,
        }
    }
}

static STATE: Shared<State> = Shared::new(State::new());
static WATCHING: AtomicBool = AtomicBool::new(false);

/// A source was started: look from now on.
pub(crate) fn watch() {
    if !WATCHING.swap(true, Ordering::Relaxed) {
        let now = clock::ticks();
        STATE.with(|state| {
            state.looked = now;
            state.busy = 0;
            state.calls = 0;
            state.by_place = [0; PLACES];
            state.starving_windows = 0;
        });
        alarm::set(Waiter::Guard, now + WINDOW);
    }
}

/// A callback that another one interrupted.
pub(crate) struct Outer {
    place: usize,
    since: u64,
}

/// A hard callback begins; its interrupt was entered at `entered`. Returns what [`leave`] goes back to.
/// From its routine.
#[esp_hal::ram]
pub(crate) fn enter(place: usize, entered: u64) -> Outer {
    lab::enter_callback();
    let outer = STATE.with(|state| {
        if state.depth == 0 {
            state.busy_since = entered;
        }
        state.depth += 1;
        state.calls += 1;
        let outer = Outer { place: state.current, since: state.current_since };
        state.current = place;
        state.current_since = entered;
        outer
    });
    watch();
    outer
}

/// The hard callback is over. From its routine.
#[esp_hal::ram]
pub(crate) fn leave(outer: &Outer, aborted: bool) {
    lab::leave_callback();
    let now = clock::ticks();
    let place = STATE.with(|state| {
        let place = state.current;
        state.depth = state.depth.saturating_sub(1);
        // The guard may have looked since `now` was read.
        state.by_place[place] += now.saturating_sub(state.current_since.max(state.looked));
        if state.depth == 0 {
            state.busy += now.saturating_sub(state.busy_since.max(state.looked));
            // SAFETY: a flag of the VM; it was meant for a callback that is over by now.
            unsafe { port::port_vm_abort(false) };
            state.aborting = 0;
        }
        state.current = outer.place;
        state.current_since = outer.since;
        place
    });
    if aborted {
        run::callback_aborted(place);
    }
}

/// Forgets the callbacks of a VM that was given up.
pub(crate) fn forget() {
    STATE.with(|state| *state = State::new());
    WATCHING.store(false, Ordering::Relaxed);
    alarm::cancel(Waiter::Guard);
}

/// What a look decided.
enum Verdict {
    Fine,
    /// Stop this place; leave its call, too, if it is endless.
    Stop {
        place: usize,
        starved_ms: u32,
        endless: bool,
    },
    /// Nothing helped: give up the VM.
    Force,
}

/// Looks at the last window. At kernel level.
pub(crate) fn look(now: u64) {
    let verdict = STATE.with(|state| {
        let window = now - state.looked;
        let mut busy = state.busy + state.calls * ENTRY_COST;
        if state.depth > 0 {
            busy += now - state.busy_since.max(state.looked);
            state.by_place[state.current] += now - state.current_since.max(state.looked);
        }
        let starving = window.saturating_sub(busy) < window / MAIN_SHARE;
        state.starving_windows = if starving { state.starving_windows + 1 } else { 0 };
        let by_place = core::mem::replace(&mut state.by_place, [0; PLACES]);
        state.busy = 0;
        state.calls = 0;
        state.looked = now;
        if state.aborting > 0 {
            state.aborting += 1;
            return if state.aborting > FORCE_WINDOWS { Verdict::Force } else { Verdict::Fine };
        }
        if state.starving_windows < PATIENCE_WINDOWS {
            return Verdict::Fine;
        }
        let endless = state.depth > 0 && now - state.current_since > ENDLESS;
        let busiest = (0..PLACES).max_by_key(|place| by_place[*place]).unwrap_or(0);
        let place = if endless { state.current } else { busiest };
        let starved_ms = state.starving_windows * (WINDOW * 1000 / TICKS_PER_SECOND) as u32;
        state.starving_windows = 0;
        if endless {
            state.aborting = 1;
        }
        Verdict::Stop { place, starved_ms, endless }
    });
    match verdict {
        Verdict::Fine => {}
        Verdict::Stop { place, starved_ms, endless } => {
            if place < SLOTS {
                sources::disable(place);
            }
            if endless {
                // SAFETY: a flag of the VM.
                unsafe { port::port_vm_abort(true) };
            }
            run::guard_tripped(place, starved_ms);
        }
        Verdict::Force => {
            run::vm_given_up();
            vm::restart_on_return();
            return;
        }
    }
    let idle = STATE.with(|state| state.depth == 0 && state.starving_windows == 0);
    let any_active =
        (0..SLOTS).any(|slot| sources::with(slot, |source| source.active && (source.hard || slot >= FIRST_PIN)));
    if idle && !any_active {
        WATCHING.store(false, Ordering::Relaxed);
    } else {
        alarm::set(Waiter::Guard, now + WINDOW);
    }
}
