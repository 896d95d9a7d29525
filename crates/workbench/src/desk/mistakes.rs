//! Exceptions of a run as the page is told of them: which line of the program, and what is known of their kind.

use course::words::Advice;
use protocol::received::{Event, What};
use serde::Serialize;

use super::Desk;
use crate::clock::Moment;
use crate::mistake::Mistake;
use crate::session::{EndReason, RunEnd};

/// Console text that is kept for finding the line of an exception.
const PRINTED_BYTES: usize = 4096;
/// Mistakes that one run tells: a callback that fails a thousand times a second says it once.
const MOST: usize = 4;

/// What a run did wrong so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Mistakes {
    /// The end of what the board printed.
    printed: Vec<u8>,
    /// What has been told, or waits for its traceback.
    known: Vec<(&'static str, Mistake)>,
    /// How many of these have been told.
    told: usize,
}

/// The `mistake` event, as the page knows it.
#[derive(Serialize)]
struct MistakeEvent<'a> {
    run: u32,
    lesson: &'a str,
    program: &'static str,
    /// `main` or `callback`.
    context: &'static str,
    #[serde(flatten)]
    mistake: &'a Mistake,
    advice: Option<Advice>,
}

impl Desk {
    /// The board printed something: perhaps the traceback of an exception that it has told of.
    pub(super) fn hear_printed(&mut self, now: Moment, text: &[u8]) {
        let Some(run) = &mut self.run else { return };
        let printed = &mut run.mistakes.printed;
        printed.extend(text);
        if printed.len() > 2 * PRINTED_BYTES {
            printed.drain(..printed.len() - PRINTED_BYTES);
        }
        self.tell_mistakes(now, false);
    }

    /// Something happened on the board: perhaps an exception in a callback. One in main is told when the run has ended.
    pub(super) fn hear_exception(&mut self, now: Moment, event: &Event) {
        let Some(run) = self.run.as_mut().filter(|run| run.number == event.run) else { return };
        let What::Exception { context, class, text } = &event.what else { return };
        let known = &mut run.mistakes.known;
        if context == "main" || known.len() == MOST || known.iter().any(|(_, mistake)| mistake.class == *class) {
            return;
        }
        known.push(("callback", Mistake { class: class.clone(), text: text.clone(), line: None }));
        self.tell_mistakes(now, false);
    }

    /// The run is over: what was still waiting for its traceback is told without a line.
    pub(super) fn end_mistakes(&mut self, now: Moment, end: &RunEnd) {
        self.tell_mistakes(now, true);
        let report = end.report.as_deref().filter(|_| end.why == EndReason::Exception);
        if let (Some(run), Some(mistake)) = (&mut self.run, report.and_then(Mistake::last_in)) {
            run.mistakes.known.push(("main", mistake));
            self.tell_mistakes(now, true);
        }
    }

    fn tell_mistakes(&mut self, now: Moment, all: bool) {
        let language = self.language;
        let Some(run) = &mut self.run else { return };
        let printed = String::from_utf8_lossy(&run.mistakes.printed);
        let mut told = Vec::new();
        for (context, mistake) in &mut run.mistakes.known[run.mistakes.told..] {
            mistake.line = mistake.line.or_else(|| Mistake::line_of(&mistake.class, &printed));
            if mistake.line.is_none() && !all {
                break;
            }
            let request = run.recorder.request();
            told.push(serde_json::to_string(&MistakeEvent {
                run: run.number,
                lesson: &request.lesson,
                program: request.program_name(),
                context,
                mistake,
                advice: mistake.advice(language),
            }));
        }
        run.mistakes.told += told.len();
        for data in told {
            self.publish(now, "mistake", data);
        }
    }
}
