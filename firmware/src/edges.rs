//! Edges of pins, time-stamped in their interrupt, for a host that draws them.
//!
//! While a host watches, every edge that interrupts is stamped on entry of the pins' routine. Pins that have a callback keep
//! the trigger that the program has chosen, so of one that waits for rising edges only these are known. Others of the host's
//! choice listen for both edges meanwhile, and call nobody; one that moves faster than [`MOST_IN_WINDOW`] is given up, because
//! each of its edges takes time from the program.

use portable_atomic::{AtomicBool, Ordering};

use micropython_sys::{FIRST_PIN, PINS};
use protocol::board::{PinEdge, What};

use crate::clock::{self, TICKS_PER_SECOND};
use crate::interrupts::{Shared, Software};
use crate::{pins, sources};

/// Edges that wait to be told; what finds no room is counted.
const EDGES: usize = 256;
/// So many are told in one frame.
pub(crate) const AT_ONCE: usize = 32;
/// With so many waiting, telemetry does not wait for its next sample.
const HURRY: usize = 24;
/// A pin without a callback may have so many edges in a window, 10 kHz for as long as one lasts.
const MOST_IN_WINDOW: u16 = 100;
/// The window, in ticks: 10 ms.
const WINDOW: u64 = TICKS_PER_SECOND / 100;

/// How an edge is told; see [`PinEdge`].
const FELL: u8 = 0;
const ROSE: u8 = 1;
const ONLY: u8 = 2;

#[derive(Clone, Copy)]
struct Edge {
    ticks: u64,
    pin: u8,
    what: u8,
}

/// What the trigger of a pin says of its interrupt.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// A rising edge; falling ones do not interrupt.
    Rose,
    /// A falling edge; rising ones do not interrupt.
    Fell,
    /// An edge.
    Either,
    /// The level lasts, and may have interrupted before.
    Level,
}

struct Watch {
    waiting: heapless::Deque<Edge, EDGES>,
    /// Pins that listen although nobody calls back.
    listening: u32,
    /// As they are known to the host.
    levels: u32,
    /// When the record begins, and the levels there, until the host has been told.
    begins: Option<(u64, u32)>,
    lost: u32,
    given_up: u32,
    window: u64,
    in_window: [u16; PINS],
}

static WATCH: Shared<Watch> = Shared::new(Watch {
    waiting: heapless::Deque::new(),
    listening: 0,
    levels: 0,
    begins: None,
    lost: 0,
    given_up: 0,
    window: 0,
    in_window: [0; PINS],
});
/// Somebody watches; otherwise an interrupt pays for one look at this.
static ON: AtomicBool = AtomicBool::new(false);

/// A host wants to see the pins that have a callback, and these. At telemetry level.
pub(crate) fn watch(listening: u32) {
    let listening = listening & ((1 << PINS) - 1);
    let before = WATCH.with(|watch| {
        watch.waiting.clear();
        (watch.lost, watch.given_up) = (0, 0);
        watch.levels = pins::levels() & ((1 << PINS) - 1);
        watch.begins = Some((clock::ticks(), watch.levels));
        core::mem::replace(&mut watch.listening, listening)
    });
    ON.store(true, Ordering::Relaxed);
    listen_anew(before | listening);
    Software::Telemetry.raise();
}

/// Nobody wants to see them any more. At telemetry level.
pub(crate) fn unwatch() {
    ON.store(false, Ordering::Relaxed);
    let before = WATCH.with(|watch| {
        watch.waiting.clear();
        watch.begins = None;
        core::mem::take(&mut watch.listening)
    });
    listen_anew(before);
}

fn listen_anew(mask: u32) {
    for pin in (0..PINS).filter(|pin| mask >> pin & 1 != 0) {
        if !sources::with(FIRST_PIN + pin, |source| source.active) {
            pins::ignore(FIRST_PIN + pin);
        }
    }
}

/// Whether a pin listens although nobody calls back.
pub(crate) fn listens(pin: u32) -> bool {
    ON.load(Ordering::Relaxed) && WATCH.with(|watch| watch.listening >> pin & 1 != 0)
}

/// Whether edges are to be stamped.
#[inline(always)]
pub(crate) fn is_on() -> bool {
    ON.load(Ordering::Relaxed)
}

/// A pin has interrupted at `ticks`, and now has this level. From the routine of the pins.
#[esp_hal::ram]
pub(crate) fn stamp(ticks: u64, pin: usize, kind: Kind, level: bool, has_callback: bool) {
    let (many, gives_up) = WATCH.with(|watch| {
        if !has_callback && watch.is_too_fast(ticks, pin) {
            return (true, true);
        }
        let is_known = (watch.levels >> pin & 1 != 0) == level;
        let (level, what) = match kind {
            Kind::Rose => (true, ONLY | ROSE),
            Kind::Fell => (false, ONLY | FELL),
            // Back where it was: two edges at least since the last interrupt, and nobody knows when.
            Kind::Either if is_known => {
                watch.lost += 2;
                return (false, false);
            }
            Kind::Level if is_known => return (false, false),
            Kind::Either | Kind::Level => (level, if level { ROSE } else { FELL }),
        };
        watch.levels = watch.levels & !(1 << pin) | u32::from(level) << pin;
        if watch.waiting.push_back(Edge { ticks, pin: pin as u8, what }).is_err() {
            watch.lost += 1;
        }
        (watch.waiting.len() >= HURRY, false)
    });
    if gives_up {
        pins::ignore(FIRST_PIN + pin);
    }
    if many {
        Software::Telemetry.raise();
    }
}

impl Watch {
    /// Counts an edge of a pin that calls nobody. `true`: it is given up.
    fn is_too_fast(&mut self, ticks: u64, pin: usize) -> bool {
        if ticks - self.window > WINDOW {
            self.window = ticks;
            self.in_window = [0; PINS];
        }
        self.in_window[pin] += 1;
        let too_fast = self.in_window[pin] > MOST_IN_WINDOW;
        if too_fast {
            self.listening &= !(1 << pin);
            self.given_up |= 1 << pin;
        }
        too_fast
    }

    fn has_news(&self) -> bool {
        !self.waiting.is_empty() || self.begins.is_some() || self.lost > 0 || self.given_up != 0
    }
}

/// Tells what has come since the last time, by `send`, which says whether there was room; what has none is lost. At telemetry
/// level.
pub(crate) fn tell(mut send: impl FnMut(What<'_>) -> bool) {
    if !is_on() {
        return;
    }
    for _ in 0..EDGES / AT_ONCE {
        let Some((ticks, levels, edges, lost, given_up)) = WATCH.with(|watch| {
            if !watch.has_news() {
                return None;
            }
            let begins = watch.begins.take();
            let levels = begins.map(|(_, levels)| levels);
            let first = begins.map(|(ticks, _)| ticks).or_else(|| watch.waiting.front().map(|edge| edge.ticks));
            let first = first.unwrap_or_else(clock::ticks);
            let mut edges = heapless::Vec::<PinEdge, AT_ONCE>::new();
            // Where the record begins is told alone.
            while levels.is_none()
                && !edges.is_full()
                && let Some(edge) = watch.waiting.pop_front()
            {
                // There is room, by the condition.
                let _ = edges.push(PinEdge { after: (edge.ticks - first) as u32, pin: edge.pin, what: edge.what });
            }
            Some((first, levels, edges, core::mem::take(&mut watch.lost), core::mem::take(&mut watch.given_up)))
        }) else {
            return;
        };
        if !send(What::Edges { ticks, levels, edges: &edges, lost, given_up }) {
            WATCH.with(|watch| {
                watch.lost += lost + edges.len() as u32;
                watch.given_up |= given_up;
                watch.begins = watch.begins.or(levels.map(|levels| (ticks, levels)));
            });
            return;
        }
    }
}
