//! What takes a while: checks and explorations, each in one call. Whoever wants one to end before its time ends the
//! worker that carries it out.

use course::{Course, Language};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use workbench::asked::{self, AskedArrival, AskedCheck, AskedExploration};
use workbench::check;
use workbench::emulated::BootedBoard;
use workbench::explore::{self, Exploration};
use workbench::judge;
use workbench::progress;

use crate::trouble::Trouble;

/// The page hears of so many arrivals at a time: a call over the border costs more than to try one.
const ARRIVALS_A_STEP: u32 = 64;

/// A job, as the page sends it: the path and body of the server's route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    path: String,
    #[serde(default)]
    body: Value,
}

/// Carries jobs out, and keeps the window that was explored last: single arrivals are shown from it.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    open: Option<Exploration>,
}

/// What a job works with.
pub(crate) struct Place<'t> {
    pub(crate) course: &'t Course,
    pub(crate) boards: &'t BootedBoard,
    pub(crate) language: Language,
}

impl Jobs {
    /// Forgets the open window: there is another board.
    pub(crate) fn forget(&mut self) {
        self.open = None;
    }

    /// Carries a job out; the answer is what the server would answer. `tell` hears events in between, under the names of
    /// the server's stream.
    pub(crate) fn carry_out(
        &mut self,
        asked: Asked,
        place: &Place<'_>,
        tell: &mut dyn FnMut(&str, &Value),
    ) -> Result<String, Trouble> {
        let Place { course, boards, language } = *place;
        let Some((slug, job)) = asked.path.strip_prefix("/api/lessons/").and_then(|rest| rest.split_once('/')) else {
            return Err(Trouble::CommandUnknown(asked.path));
        };
        let lesson = asked::lesson(course, slug)?;
        match job {
            "check" => {
                let program = serde_json::from_value::<AskedCheck>(asked.body)?.program()?;
                let checked = check::runs(lesson, &program, boards, &mut |at| {
                    tell("check", &progress::check(lesson, at, language));
                    true
                })?;
                text(&judge::verdict(lesson, &checked, language))
            }
            "explore" => {
                let asked: AskedExploration = serde_json::from_value(asked.body)?;
                let pairs = asked.pairs;
                let request = asked.request(lesson)?;
                let (exploration, report) = explore::whole(lesson, request, pairs, boards, &mut |done, of| {
                    if done.is_multiple_of(ARRIVALS_A_STEP) {
                        tell("explore", &progress::exploration(lesson, done, of));
                    }
                    true
                })?;
                self.open = Some(exploration);
                text(&report)
            }
            "explore/at" => {
                let asked: AskedArrival = serde_json::from_value(asked.body)?;
                let (at, second) = (asked.at, asked.second);
                let request = asked.request(lesson)?;
                let known = self.open.take_if(|open| open.lesson() == lesson.slug && *open.request() == request);
                let mut exploration = known.map_or_else(|| explore::open(lesson, request, boards), Ok)?;
                let played = exploration.play(at, second);
                self.open = Some(exploration);
                text(&played?)
            }
            _ => Err(Trouble::CommandUnknown(asked.path)),
        }
    }
}

fn text(answer: &impl Serialize) -> Result<String, Trouble> {
    serde_json::to_string(answer).map_err(|error| Trouble::Internal(error.to_string()))
}
