//! One part without a chip, for unit tests: what it drives is kept with its tick, and the test plays
//! the chip's side of the pins. The same events can be asked for tick by tick, as the reference of
//! the event-driven run.

use emulator::bus::Tick;
use emulator::pins::Drive;

use super::{Acts, Part};
use crate::catalogue::Kind;
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::{from_ns, from_us};
use crate::wiring::{Draft, Wiring};

#[derive(Clone, Debug)]
pub(crate) struct Bench {
    part: Part,
    kind: &'static Kind,
    pub(crate) now: Tick,
    acts: Acts,
    edges: Vec<Vec<(Tick, Drive)>>,
}

impl Bench {
    pub(crate) fn of(part: &str) -> Self {
        Self::with_seed(part, 7)
    }

    pub(crate) fn with_seed(part: &str, seed: u64) -> Self {
        let text = format!(r#"{{"parts":[{part}]}}"#);
        let draft: Draft = serde_json::from_str(&text).expect("the test's part is JSON");
        let wiring: Wiring = draft.check().unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        let placed = &wiring.parts()[0];
        let part = Part::new(placed, Draw::for_part(seed, &placed.name)).expect("the kind has a model");
        let edges = placed.kind.roles.iter().map(|_| vec![(0, Drive::Released)]).collect();
        let mut bench = Self { part, kind: placed.kind, now: 0, acts: Acts::default(), edges };
        bench.with(|part, acts| part.model_mut().connect(0, acts));
        bench
    }

    fn with(&mut self, act: impl FnOnce(&mut Part, &mut Acts)) {
        act(&mut self.part, &mut self.acts);
        for (role, edges) in self.edges.iter_mut().enumerate() {
            let drive = self.acts.of(role);
            if edges.last().is_none_or(|last| last.1 != drive) {
                edges.push((self.now, drive));
            }
        }
    }

    fn deadline(&self) -> Tick {
        self.part.model().deadline()
    }

    /// Runs from event to event.
    pub(crate) fn run_until(&mut self, tick: Tick) {
        while self.deadline() <= tick {
            self.now = self.now.max(self.deadline());
            self.with(|part, acts| part.model_mut().step(acts));
        }
        self.now = tick;
    }

    /// Asks at every single tick whether something is due.
    pub(crate) fn crawl_until(&mut self, tick: Tick) {
        loop {
            while self.deadline() <= self.now {
                self.with(|part, acts| part.model_mut().step(acts));
            }
            if self.now >= tick {
                return;
            }
            self.now += 1;
        }
    }

    pub(crate) fn run_us(&mut self, us: u64) {
        self.run_until(self.now + from_us(us));
    }

    pub(crate) fn run_ns(&mut self, ns: u64) {
        self.run_until(self.now + from_ns(ns));
    }

    pub(crate) fn control(&mut self, key: &str, value: i64) {
        let control = self.kind.controls.iter().find(|control| control.key == key).expect("the control is there");
        let now = self.now;
        self.with(|part, acts| part.model_mut().control(now, control.key, value, acts));
    }

    /// The level of a role's pin changes.
    pub(crate) fn pin(&mut self, role: usize, level: bool) {
        let now = self.now;
        self.with(|part, acts| part.model_mut().edge(now, role, level, acts));
    }

    /// What the part does to a pin now.
    pub(crate) fn drive(&self, role: usize) -> Drive {
        self.acts.of(role)
    }

    /// Everything that it did to a pin, with its tick; it begins with nothing.
    pub(crate) fn drives(&self, role: usize) -> &[(Tick, Drive)] {
        &self.edges[role]
    }

    /// The same of every pin.
    pub(crate) fn all_drives(&self) -> &[Vec<(Tick, Drive)>] {
        &self.edges
    }

    /// The levels that follow at a pin with a pull-up, from what it did when it was connected.
    pub(crate) fn levels(&self, role: usize) -> Vec<(Tick, bool)> {
        let mut levels: Vec<(Tick, bool)> = Vec::new();
        let acts_at_once = self.edges[role].get(1).is_some_and(|edge| edge.0 == 0);
        for &(tick, drive) in &self.edges[role][usize::from(acts_at_once)..] {
            let level = !matches!(drive, Drive::Low | Drive::PullDown);
            if levels.last().is_none_or(|last| last.1 != level) {
                levels.push((tick, level));
            }
        }
        levels
    }

    pub(crate) fn shown(&self) -> Shown {
        self.part.model().shown(self.now)
    }
}
