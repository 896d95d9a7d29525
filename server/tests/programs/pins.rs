//! The pins over time, read back from the value change dump that `--vcd` writes.

use std::collections::BTreeMap;

/// A change of a pin's level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) at_ns: u64,
    pub(crate) level: bool,
}

/// What each pin did.
#[derive(Debug)]
pub(crate) struct Pins(BTreeMap<u8, Vec<Edge>>);

impl Pins {
    #[track_caller]
    pub(crate) fn read(vcd: &str) -> Self {
        assert!(vcd.contains("$timescale 1 ns $end") && !vcd.contains("missing"), "{vcd:.400}");
        let mut names = BTreeMap::new();
        let mut pins: BTreeMap<u8, Vec<Edge>> = BTreeMap::new();
        let (mut at_ns, mut begun) = (0, false);
        for line in vcd.lines() {
            let words: Vec<_> = line.split(' ').collect();
            if let ["$var", "wire", "1", code, name, "$end"] = words[..] {
                let number = name.strip_prefix("GPIO").unwrap().split('_').next().unwrap();
                names.insert(code.to_owned(), number.parse::<u8>().unwrap());
            } else if let Some(instant) = line.strip_prefix('#') {
                at_ns = instant.parse().unwrap();
            } else if line == "$end" {
                // The first levels are no edges.
                begun = true;
            } else if begun && let Some((level @ ("0" | "1"), code)) = line.split_at_checked(1) {
                pins.entry(names[code]).or_default().push(Edge { at_ns, level: level == "1" });
            }
        }
        Self(pins)
    }

    /// Every edge of a pin.
    pub(crate) fn of(&self, pin: u8) -> &[Edge] {
        self.0.get(&pin).map_or(&[], |edges| &edges[..])
    }

    /// How often a pin fell.
    pub(crate) fn falls(&self, pin: u8) -> usize {
        self.of(pin).iter().filter(|edge| !edge.level).count()
    }

    /// How long a pin was high, each time that it was, in ns.
    pub(crate) fn highs_ns(&self, pin: u8) -> Vec<u64> {
        let pairs = self.of(pin).windows(2).filter(|pair| pair[0].level && !pair[1].level);
        pairs.map(|pair| pair[1].at_ns - pair[0].at_ns).collect()
    }
}
