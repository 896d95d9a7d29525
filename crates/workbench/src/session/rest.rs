//! Rest: a board at its prompt to which nothing happens is told farewell, so that it sends no samples and costs
//! nothing, and is greeted again when somebody types.

use std::time::Duration;

use protocol::host::HostMessage;
use protocol::received::Sample;

use super::{BAUD_PAUSE, LinkAction, Phase, Session, SessionFault, stands_still};

/// A board at its prompt may rest after so long without news.
const REST_AFTER: Duration = Duration::from_secs(10);
/// What a farewell returns the line to, in bits per second.
const FIRST_BAUD: u32 = 115_200;
/// Typed text that is kept until the board has been greeted.
const TYPED_BYTES: usize = 4096;

/// What a session knows of its board's rest.
#[derive(Clone, Debug, Default)]
pub(super) struct Rest {
    /// Whether the board may rest at all.
    allowed: bool,
    /// The last numbers that were news.
    numbers: Option<Sample>,
    /// Text that was typed while the board rested.
    pub(super) typed: Vec<u8>,
}

impl Session {
    /// The same session, but the board rests when nothing happens. For boards on which every run begins afresh: a
    /// resting board takes no run.
    #[must_use]
    pub fn resting_when_idle(mut self) -> Self {
        self.rest.allowed = true;
        self
    }

    /// The board is at its prompt and listens; what was typed while it rested goes out now.
    pub(super) fn enter_ready(&mut self) {
        self.enter(Phase::Ready, self.rest.allowed.then_some(REST_AFTER));
        self.rest.numbers = None;
        self.out.append(&mut self.rest.typed);
        self.file_now();
    }

    /// Something happened at the prompt: rest is put off.
    pub(super) fn hear_news(&mut self) {
        if self.phase == Phase::Ready && self.rest.allowed {
            self.phase_due = Some(self.now + REST_AFTER);
        }
    }

    /// A sample is news when something was counted: a timer that was started at the prompt.
    pub(super) fn hear_idle_sample(&mut self, sample: &Sample) {
        if self.phase == Phase::Ready
            && self.rest.allowed
            && !self.rest.numbers.as_ref().is_some_and(|last| stands_still(last, sample))
        {
            self.rest.numbers = Some(sample.clone());
            self.hear_news();
        }
    }

    /// Nothing has happened for long.
    pub(super) fn say_farewell(&mut self) {
        self.enter(Phase::Parting, None);
        let id = self.new_id();
        self.post(&HostMessage::Farewell { id }, None, 1);
    }

    /// The board has answered the farewell, or has not.
    pub(super) fn hear_farewell(&mut self, result: Result<(), SessionFault>) {
        if result.is_err() {
            self.enter_ready();
            return;
        }
        self.actions.extend(self.fast_baud.map(|_| LinkAction::SetBaud(FIRST_BAUD)));
        self.enter(Phase::Parting, Some(BAUD_PAUSE));
    }

    /// The line has its first speed again.
    pub(super) fn begin_rest(&mut self) {
        self.enter(Phase::Resting, None);
        if !self.rest.typed.is_empty() || self.files_later() {
            self.greet(1);
        }
    }

    /// Keeps what a person typed until the board has been greeted.
    pub(super) fn type_later(&mut self, text: &[u8]) {
        let room = TYPED_BYTES.saturating_sub(self.rest.typed.len());
        self.rest.typed.extend(&text[..text.len().min(room)]);
        if self.phase == Phase::Resting {
            self.greet(1);
        }
    }
}
