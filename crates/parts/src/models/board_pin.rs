//! A pin of a second board: it drives a level or lets go of its pin, when its owner says so, and
//! reads what this board does.
//!
//! Not modelled: the second board itself, and that its ground must be connected too.

use emulator::bus::Tick;
use emulator::pins::Drive;

use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::wiring::Placed;

const PIN: usize = 0;

/// Another board's pin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BoardPin {
    drives: Option<bool>,
    reads: bool,
}

impl BoardPin {
    pub(crate) fn new(placed: &Placed, _draw: Draw) -> Self {
        let drives = [None, Some(false), Some(true)];
        let at_start = usize::try_from(placed.setting("at_start")).unwrap_or(0);
        Self { drives: drives.get(at_start).copied().flatten(), reads: false }
    }

    fn drive(&self, acts: &mut Acts) {
        acts.drive(PIN, self.drives.map_or(Drive::Released, Drive::to));
    }
}

impl Model for BoardPin {
    fn connect(&mut self, _now: Tick, acts: &mut Acts) {
        self.drive(acts);
    }

    fn edge(&mut self, _at: Tick, _role: usize, level: bool, _acts: &mut Acts) {
        self.reads = level;
    }

    fn control(&mut self, _now: Tick, _key: &'static str, value: i64, acts: &mut Acts) {
        self.drives = if value < 0 { None } else { Some(value > 0) };
        self.drive(acts);
    }

    fn shown(&self, _now: Tick) -> Shown {
        Shown::BoardPin { drives: self.drives, reads: self.reads }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;

    #[test]
    fn it_drives_lets_go_and_reads() {
        let mut bench = Bench::of(r#"{"kind":"board-pin","name":"b","pins":{"pin":3},"at_start":"high"}"#);
        assert_eq!(bench.drive(PIN), Drive::High);
        for (value, drive) in [(0, Drive::Low), (-1, Drive::Released), (1, Drive::High)] {
            bench.control("level", value);
            assert_eq!(bench.drive(PIN), drive);
        }
        bench.pin(PIN, true);
        assert_eq!(bench.shown(), Shown::BoardPin { drives: Some(true), reads: true });
    }
}
