//! Export of the pins over time as a value change dump (IEEE 1364, section "Value change dump
//! files"), which PulseView, sigrok-cli and GTKWave open.

use std::fmt::Write;

use emulator::bus::Tick;

use crate::scope::Scope;
use crate::time::to_ns;

/// The unit of the dump's instants. The format knows powers of ten only, and a tick is 25/12 ns, so a
/// nanosecond tells any two ticks apart; coarser units keep long records small in readers that
/// store every unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeScale {
    /// 1 ns.
    #[default]
    Ns1,
    /// 10 ns.
    Ns10,
    /// 100 ns.
    Ns100,
    /// 1 us.
    Us1,
}

impl TimeScale {
    fn ns(self) -> u64 {
        match self {
            Self::Ns1 => 1,
            Self::Ns10 => 10,
            Self::Ns100 => 100,
            Self::Us1 => 1000,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ns1 => "1 ns",
            Self::Ns10 => "10 ns",
            Self::Ns100 => "100 ns",
            Self::Us1 => "1 us",
        }
    }
}

/// What to write.
#[derive(Clone, Debug, Default)]
pub struct Vcd {
    /// The unit.
    pub scale: TimeScale,
    /// Which pins, under which names.
    pub pins: Vec<(u8, String)>,
    /// What the dump says about its origin, such as program and seed.
    pub comment: String,
}

impl Vcd {
    /// The dump of a record up to a tick. It begins where the record does.
    #[must_use]
    pub fn write(&self, scope: &Scope, until: Tick) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.dump(scope, until, &mut out);
        out
    }

    fn dump(&self, scope: &Scope, until: Tick, out: &mut String) -> std::fmt::Result {
        let mask = self.pins.iter().fold(0, |mask, (pin, _)| mask | 1_u32.checked_shl(u32::from(*pin)).unwrap_or(0));
        let (edges, cut) = scope.edges(mask, until);
        writeln!(out, "$version ISR Lab $end")?;
        let comment = self.comment.replace('$', " ").replace(char::is_control, " ");
        writeln!(out, "$comment {comment} $end")?;
        if let Some(lost) = scope.lost() {
            let changes: u64 = lost.changes.iter().sum();
            writeln!(out, "$comment {changes} earlier changes left the record, digest {:016x} $end", lost.digest)?;
        }
        if scope.unseen() > 0 || cut > 0 {
            writeln!(out, "$comment {} changes and the ends of {cut} pulse trains are missing $end", scope.unseen())?;
        }
        writeln!(out, "$timescale {} $end\n$scope module board $end", self.scale.name())?;
        for (pin, name) in &self.pins {
            writeln!(out, "$var wire 1 {} {} $end", code(*pin), reference(*pin, name))?;
        }
        writeln!(out, "$upscope $end\n$enddefinitions $end\n#0\n$dumpvars")?;
        for (pin, _) in &self.pins {
            writeln!(out, "{}{}", u8::from(scope.first_level(*pin)), code(*pin))?;
        }
        writeln!(out, "$end")?;
        let from = to_ns(scope.from());
        let instant = |tick| to_ns(tick).saturating_sub(from) / self.scale.ns();
        let mut last = 0;
        for edge in &edges {
            let now = instant(edge.tick);
            if now != last {
                writeln!(out, "#{now}")?;
                last = now;
            }
            writeln!(out, "{}{}", u8::from(edge.level), code(edge.pin))?;
        }
        let end = instant(until.max(scope.from()));
        if end > last {
            writeln!(out, "#{end}")?;
        }
        Ok(())
    }
}

/// The dump's short name of a pin: a printable character.
fn code(pin: u8) -> char {
    char::from(b'!' + pin % 90)
}

/// The name that a reader shows: no blanks, ASCII.
fn reference(pin: u8, name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if name.is_empty() { format!("GPIO{pin}") } else { format!("GPIO{pin}_{name}") }
}
