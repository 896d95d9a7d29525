//! The pins of an attached board: nobody sees them from outside, so its firmware stamps their edges while a page looks at them.

use protocol::received::What;

use super::{Answer, BoardRefusal, Command, Desk, Done};
use crate::engine::EngineCommand;
use crate::pins::Stamped;

impl Desk {
    /// The pins of an attached board, as far as it has stamped their edges.
    pub(super) fn stamped_pins(&mut self, command: Command) -> Answer {
        if !self.status.can.stamps_edges {
            return Err(BoardRefusal::PinsUnseen);
        }
        let Command::Pins(wanted) = command else {
            if self.stamped.take().is_some() {
                self.post(EngineCommand::Watch(None));
            }
            return Ok(Done::Done);
        };
        if self.stamped.is_none() {
            self.stamped = Some(Stamped::default());
            self.watch();
        }
        let origin = self.ran.as_deref().unwrap_or("ISR Lab");
        let told = self.stamped.as_ref().and_then(|stamped| stamped.tell(wanted, &self.wiring, origin));
        told.map(|told| Done::Told(told.into())).ok_or(BoardRefusal::InterruptsUnseen)
    }

    /// Lets the board stamp edges from now on, of the wiring's pins, too, if somebody looks at them; the record begins anew.
    /// A board that was reset knows of nothing before.
    pub(super) fn watch(&mut self) {
        let Some(stamped) = self.stamped.as_mut().filter(|_| self.status.can.stamps_edges) else { return };
        stamped.begin();
        let pins = self.wiring.named_pins(0).into_iter().fold(0, |mask, (pin, _)| mask | 1 << pin);
        self.post(EngineCommand::Watch(Some(pins)));
    }

    pub(super) fn hear_edges(&mut self, what: &What) {
        if let Some(stamped) = &mut self.stamped {
            stamped.hear(what);
        }
    }

    /// The board's clock has come to so many microseconds.
    pub(super) fn pass_stamped(&mut self, us: u64) {
        if let Some(stamped) = &mut self.stamped {
            stamped.pass(us);
        }
    }
}
