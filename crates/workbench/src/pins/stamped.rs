//! Edges that an attached board has stamped in its interrupts: a bounded record, told as the pins of a virtual board are.
//!
//! The board knows less than the bench around a virtual one: only pins that interrupt, to the microsecond or two that an
//! interrupt takes to be entered, and of some only one kind of edge. What is not known is told as such, never filled in.

use std::collections::VecDeque;
use std::fmt::Write as _;

use parts::Wiring;
use protocol::received::What;
use serde_json::{Value, json};

use super::told::Wanted;

/// Edges that are kept; the oldest leave.
const MOST: usize = 16_384;
/// Edges that one answer holds at most.
const MOST_AT_ONCE: usize = 4096;
/// Ticks of the board's system timer in a second, and what one is in a value change dump's unit of 100 ps.
const TICKS_PER_SECOND: u64 = 16_000_000;
const TICK_100PS: u64 = 10_000_000_000 / TICKS_PER_SECOND;

/// One edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Edge {
    ticks: u64,
    pin: u8,
    level: bool,
    /// The other edge of this pin does not interrupt, so nobody knows when it was.
    only: bool,
}

/// The record of one attached board.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stamped {
    /// Another record begins with each run, and whenever the board begins anew.
    number: u64,
    begun: Option<u64>,
    /// The levels where the record begins, a bit for each pin.
    levels: u32,
    edges: VecDeque<Edge>,
    /// How many there were, those included that have left the record.
    counted: u64,
    lost: u64,
    given_up: u32,
    now: u64,
    /// Pins that have moved.
    moved: u32,
}

impl Stamped {
    /// The record begins anew with what the board says next.
    pub(crate) fn begin(&mut self) {
        *self = Self { number: self.number + 1, ..Self::default() };
    }

    /// The board's clock has come to so many microseconds.
    pub(crate) fn pass(&mut self, us: u64) {
        self.now = self.now.max(us.saturating_mul(TICKS_PER_SECOND / 1_000_000));
    }

    /// Takes what the board says of edges; anything else is not its affair.
    pub(crate) fn hear(&mut self, what: &What) {
        let What::Edges { ticks, levels, edges, lost, given_up } = what else { return };
        if let Some(levels) = levels {
            if self.begun.is_some() {
                self.begin();
            }
            (self.begun, self.levels) = (Some(*ticks), *levels);
        }
        self.lost += u64::from(*lost);
        self.given_up |= given_up;
        self.now = self.now.max(*ticks);
        for (after, pin, what) in edges {
            let edge = Edge { ticks: ticks + u64::from(*after), pin: *pin, level: what & 1 != 0, only: what & 2 != 0 };
            if self.edges.len() >= MOST
                && let Some(oldest) = self.edges.pop_front()
            {
                self.begun = Some(oldest.ticks);
                self.levels = with_bit(self.levels, oldest.pin, oldest.level);
            }
            self.edges.push_back(edge);
            self.counted += 1;
            self.now = self.now.max(edge.ticks);
            self.moved = with_bit(self.moved, edge.pin, true);
        }
    }

    /// The answer to whoever asked, as JSON text; `None`: not in this form, since the board shows no interrupts.
    pub(crate) fn tell(&self, wanted: Wanted, wiring: &Wiring, origin: &str) -> Option<String> {
        match wanted {
            Wanted::News { record, changes, .. } => Some(self.news(record, changes, wiring).to_string()),
            Wanted::Vcd => Some(json!({ "text": self.vcd(wiring, origin) }).to_string()),
            Wanted::Perfetto => None,
        }
    }

    fn news(&self, record: u64, changes: u64, wiring: &Wiring) -> Value {
        let changes = if record == self.number { changes } else { 0 };
        let first = self.counted - self.edges.len() as u64;
        let known = usize::try_from(changes.saturating_sub(first)).unwrap_or(usize::MAX).min(self.edges.len());
        let told: Vec<Value> = (self.edges.iter().skip(known).take(MOST_AT_ONCE))
            .map(|edge| match edge.only {
                false => json!([edge.ticks, edge.pin, u8::from(edge.level)]),
                true => json!([edge.ticks, edge.pin, u8::from(edge.level), "only"]),
            })
            .collect();
        let next_change = first + (known + told.len()) as u64;
        let pins: Vec<Value> = wiring
            .named_pins(self.moved)
            .into_iter()
            .map(|(pin, name)| json!({ "pin": pin, "name": name, "level": self.levels >> pin & 1 != 0 }))
            .collect();
        json!({
            "record": self.number,
            "source": "board",
            "ticks_per_second": TICKS_PER_SECOND,
            "from": self.begun.unwrap_or(self.now),
            "now": self.now,
            "first": first,
            "unseen": self.lost,
            "given_up": (0..u32::BITS).filter(|pin| self.given_up >> pin & 1 != 0).collect::<Vec<_>>(),
            "pins": pins,
            "changes": told,
            "next_change": next_change,
            "sees_callbacks": false,
            "steps": [],
            "next_step": 0,
            "more": next_change < first + self.edges.len() as u64,
        })
    }

    /// A value change dump. An edge whose counterpart is not known is a level that is known at its tick only: after it the
    /// pin is `x`.
    fn vcd(&self, wiring: &Wiring, origin: &str) -> String {
        let pins = wiring.named_pins(self.moved);
        let from = self.begun.unwrap_or(self.now);
        let letter = |pin: u8| char::from(b'!' + pin);
        let mut text = format!("$comment {origin}, time-stamped by the board $end\n$timescale 100 ps $end\n");
        text.push_str("$scope module board $end\n");
        for (pin, name) in &pins {
            let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
            let name = if name.is_empty() { String::new() } else { format!("_{name}") };
            // Writing into a String does not fail.
            _ = writeln!(text, "$var wire 1 {} GPIO{pin}{name} $end", letter(*pin));
        }
        text.push_str("$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n");
        for (pin, _) in &pins {
            _ = writeln!(text, "{}{}", self.levels >> pin & 1, letter(*pin));
        }
        text.push_str("$end\n");
        for edge in &self.edges {
            let at = edge.ticks.saturating_sub(from) * TICK_100PS;
            _ = writeln!(text, "#{at}\n{}{}", u8::from(edge.level), letter(edge.pin));
            if edge.only {
                _ = writeln!(text, "#{}\nx{}", at + TICK_100PS, letter(edge.pin));
            }
        }
        _ = writeln!(text, "#{}", self.now.saturating_sub(from) * TICK_100PS);
        text
    }
}

fn with_bit(mask: u32, pin: u8, set: bool) -> u32 {
    let bit = 1_u32.checked_shl(pin.into()).unwrap_or(0);
    if set { mask | bit } else { mask & !bit }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(ticks: u64, levels: Option<u32>, edges: &[(u32, u8, u8)], lost: u32) -> What {
        What::Edges { ticks, levels, edges: edges.to_vec(), lost, given_up: 0 }
    }

    fn news(stamped: &Stamped, record: u64, changes: u64) -> Value {
        let wanted = Wanted::News { record, changes, steps: 0 };
        serde_json::from_str(&stamped.tell(wanted, &Wiring::default(), "test").unwrap()).unwrap()
    }

    #[test]
    fn edges_are_told_once_with_what_nobody_could_stamp() {
        let mut stamped = Stamped::default();
        stamped.begin();
        stamped.hear(&edges(1600, Some(1 << 10), &[], 0));
        stamped.hear(&edges(3200, None, &[(0, 10, 0), (160, 10, 1), (200, 4, 3)], 2));
        stamped.pass(400);
        let told = news(&stamped, 0, 7);
        assert_eq!((&told["record"], &told["source"], &told["from"]), (&json!(1), &json!("board"), &json!(1600)));
        assert_eq!(
            (&told["now"], &told["unseen"], &told["ticks_per_second"]),
            (&json!(6400), &json!(2), &json!(16_000_000))
        );
        assert_eq!(told["changes"], json!([[3200, 10, 0], [3360, 10, 1], [3400, 4, 1, "only"]]));
        assert_eq!(told["pins"], json!([{"pin":4,"name":"","level":false},{"pin":10,"name":"","level":true}]));
        assert_eq!(news(&stamped, 1, 3)["changes"], json!([]));
        // The board has begun anew.
        stamped.hear(&edges(100, Some(0), &[], 0));
        assert_eq!((&news(&stamped, 1, 3)["record"], &news(&stamped, 1, 3)["unseen"]), (&json!(2), &json!(0)));
    }

    #[test]
    fn what_leaves_the_record_is_in_its_first_levels() {
        let mut stamped = Stamped::default();
        stamped.begin();
        stamped.hear(&edges(0, Some(0), &[], 0));
        for n in 0..=MOST as u64 {
            stamped.hear(&edges(10 + n, None, &[(0, 3, u8::from(n % 2 == 0))], 0));
        }
        let told = news(&stamped, 0, 0);
        assert_eq!((&told["first"], &told["from"], &told["more"]), (&json!(1), &json!(10), &json!(true)));
        assert_eq!(told["pins"][0]["level"], true);
        assert_eq!(told["changes"].as_array().unwrap().len(), MOST_AT_ONCE);
    }

    #[test]
    fn a_dump_does_not_invent_the_edge_that_nobody_saw() {
        let mut stamped = Stamped::default();
        stamped.begin();
        stamped.hear(&edges(16, Some(0), &[], 0));
        stamped.hear(&edges(32, None, &[(0, 4, 3), (16, 5, 1)], 0));
        let vcd = stamped.tell(Wanted::Vcd, &Wiring::default(), "door bell").unwrap();
        let vcd: Value = serde_json::from_str(&vcd).unwrap();
        assert_eq!(
            vcd["text"],
            "$comment door bell, time-stamped by the board $end\n$timescale 100 ps $end\n$scope module board $end\n\
             $var wire 1 % GPIO4 $end\n$var wire 1 & GPIO5 $end\n$upscope $end\n$enddefinitions $end\n#0\n$dumpvars\n\
             0%\n0&\n$end\n#10000\n1%\n#10625\nx%\n#20000\n1&\n#20000\n"
        );
        assert_eq!(stamped.tell(Wanted::Perfetto, &Wiring::default(), "door bell"), None);
    }
}
