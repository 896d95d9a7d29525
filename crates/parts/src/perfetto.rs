//! Export of the pins and of a timeline's lanes as a trace that Perfetto opens: JSON in the Trace
//! Event Format (Google, "Trace Event Format"; what of it Perfetto reads stands in Perfetto's page
//! on other formats). Slices are complete events (`X`), depths counters (`C`), arrows flows (`s`,
//! `f`), names metadata (`M`). Instants are microseconds with three decimals, exact ticks stand in
//! `args`.

use std::fmt::Write;

use emulator::bus::Tick;

use crate::scope::Scope;
use crate::time::to_ns;

/// Something that lasts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Its first tick.
    pub from: Tick,
    /// The tick after it.
    pub to: Tick,
    /// What it is called.
    pub name: String,
}

/// A row of the trace. The slices of a lane follow or contain each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lane {
    /// Its name.
    pub name: String,
    /// What it did.
    pub slices: Vec<Slice>,
    /// A number over time, such as the depth of a queue.
    pub depths: Vec<(Tick, i64)>,
}

/// A line from one lane's slice to a later one of another, by their number in [`Trace::lanes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// The lane where it begins, and an instant within a slice there.
    pub from: (usize, Tick),
    /// The lane where it ends, and an instant within a slice there.
    pub to: (usize, Tick),
}

/// What to write.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// What the whole is called.
    pub name: String,
    /// Which pins, under which names; each is a row of its own, above the lanes.
    pub pins: Vec<(u8, String)>,
    /// What else ran: interrupts, callbacks, main.
    pub lanes: Vec<Lane>,
    /// What led to what.
    pub arrows: Vec<Arrow>,
}

const PROCESS: u32 = 1;
/// Rows of lanes are numbered behind those of the pins.
const FIRST_LANE: usize = 100;

impl Trace {
    /// The trace of a record up to a tick.
    #[must_use]
    pub fn write(&self, scope: &Scope, until: Tick) -> String {
        let mut events = Events::default();
        events.name("process_name", 0, &self.name);
        for (pin, name) in &self.pins {
            let name = if name.is_empty() { format!("GPIO{pin}") } else { format!("{name} (GPIO{pin})") };
            events.row(usize::from(*pin) + 1, &name);
            self.levels(*pin, scope, until, &mut events);
        }
        for (n, lane) in self.lanes.iter().enumerate() {
            events.row(FIRST_LANE + n, &lane.name);
            for slice in &lane.slices {
                events.slice(FIRST_LANE + n, slice.from, slice.to, &slice.name);
            }
            for &(tick, depth) in &lane.depths {
                events.depth(FIRST_LANE + n, tick, &lane.name, depth);
            }
        }
        for (id, arrow) in self.arrows.iter().enumerate() {
            events.flow('s', id, FIRST_LANE + arrow.from.0, arrow.from.1);
            events.flow('f', id, FIRST_LANE + arrow.to.0, arrow.to.1);
        }
        format!("{{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n{}\n]}}\n", events.0.join(",\n"))
    }

    /// One slice for each time that a pin is high.
    fn levels(&self, pin: u8, scope: &Scope, until: Tick, events: &mut Events) {
        let row = usize::from(pin) + 1;
        let (edges, _) = scope.edges(1_u32.checked_shl(u32::from(pin)).unwrap_or(0), until);
        let mut rose = scope.first_level(pin).then(|| scope.from());
        for edge in edges {
            match rose.take() {
                Some(from) if !edge.level => events.slice(row, from, edge.tick, "high"),
                other => rose = other.or(edge.level.then_some(edge.tick)),
            }
        }
        if let Some(from) = rose {
            events.slice(row, from, until.max(from), "high");
        }
    }
}

/// The events written so far, one to a line.
#[derive(Default)]
struct Events(Vec<String>);

impl Events {
    fn name(&mut self, what: &str, row: usize, name: &str) {
        self.0.push(format!(
            r#"{{"ph":"M","pid":{PROCESS},"tid":{row},"name":"{what}","args":{{"name":{}}}}}"#,
            quoted(name)
        ));
    }

    fn row(&mut self, row: usize, name: &str) {
        self.name("thread_name", row, name);
        self.0.push(format!(
            r#"{{"ph":"M","pid":{PROCESS},"tid":{row},"name":"thread_sort_index","args":{{"sort_index":{row}}}}}"#
        ));
    }

    fn slice(&mut self, row: usize, from: Tick, to: Tick, name: &str) {
        let lasts = to_ns(to.max(from)) - to_ns(from);
        self.0.push(format!(
            r#"{{"ph":"X","pid":{PROCESS},"tid":{row},"ts":{},"dur":{},"name":{},"cat":"board","args":{{"tick":{from},"ticks":{}}}}}"#,
            us(to_ns(from)),
            us(lasts),
            quoted(name),
            to.saturating_sub(from)
        ));
    }

    fn depth(&mut self, row: usize, tick: Tick, name: &str, depth: i64) {
        self.0.push(format!(
            r#"{{"ph":"C","pid":{PROCESS},"tid":{row},"ts":{},"name":{},"args":{{"value":{depth}}}}}"#,
            us(to_ns(tick)),
            quoted(name)
        ));
    }

    fn flow(&mut self, phase: char, id: usize, row: usize, tick: Tick) {
        // An end binds to the slice around it, not to the next one.
        let binds = if phase == 'f' { r#","bp":"e""# } else { "" };
        self.0.push(format!(
            r#"{{"ph":"{phase}","pid":{PROCESS},"tid":{row},"ts":{},"id":{id},"name":"leads to","cat":"flow"{binds}}}"#,
            us(to_ns(tick))
        ));
    }
}

/// Nanoseconds as microseconds with three decimals.
fn us(ns: u64) -> String {
    format!("{}.{:03}", ns / 1000, ns % 1000)
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a string cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
