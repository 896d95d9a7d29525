//! A live bench: a paced board and its desk, as the server's actor and pool are for a board there.

use std::sync::Arc;
use std::time::Duration;

use course::{Course, Language};
use serde::Deserialize;
use serde_json::{Value, json};
use workbench::asked::{AskedConsole, AskedFile, AskedPart, AskedPause, AskedPins, AskedRun, AskedSet, AskedSpeed};
use workbench::clock::Moment;
use workbench::desk::{Asker, Command, Desk, Done, Effect};
use workbench::emulated::{BootedBoard, EmulatedLine};
use workbench::engine::{EngineCommand, Speed};
use workbench::judge;
use workbench::paced::{Kept, Next, PacedBoard};
use workbench::session::EndReason;
use workbench::state::{BoardId, BoardStatus};

use crate::trouble::Trouble;

/// The longest run on a bench, in seconds: the same as the server's default.
const MOST_SECONDS: u32 = 600;

/// A command, as the page sends it: the path and body of the server's route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// Repeated in the answer.
    ticket: Asker,
    path: String,
    #[serde(default)]
    body: Value,
}

/// A board, its desk, and what the page has not been told yet.
pub(crate) struct Live {
    course: Arc<Course>,
    board: PacedBoard<EmulatedLine>,
    desk: Desk,
    language: Language,
    /// Events as `{name, data}`, answers as `{ticket, body}` or `{ticket, error}`; each is JSON text already, because the
    /// desk tells text.
    told: Vec<String>,
    next: Next,
}

impl Live {
    pub(crate) fn new(now: Moment, course: Arc<Course>, booted: BootedBoard, language: Language) -> Self {
        let status = BoardStatus::new_virtual(BoardId("virtual-tab".into())).of_version(booted.version());
        let mut live = Self {
            course,
            board: PacedBoard::new(now, Arc::new(booted)),
            desk: Desk::new(status),
            language,
            told: Vec::new(),
            next: Next::At(now),
        };
        live.desk.set_language(language);
        live.desk.tell(now);
        live.hear(now);
        live
    }

    pub(crate) fn set_language(&mut self, language: Language) {
        self.language = language;
        self.desk.set_language(language);
    }

    /// Begins what is asked for; an answer comes in any case.
    pub(crate) fn command(&mut self, now: Moment, asked: Asked) {
        let ticket = asked.ticket;
        match self.read(now, asked) {
            Ok(Some(command)) => {
                self.desk.obey(now, ticket, command);
                self.carry_out(now);
                // A part that was moved is answered for at once.
                self.hear(now);
            }
            Ok(None) => self.done(ticket, &json!({ "done": true })),
            Err(trouble) => self.refuse(ticket, &trouble),
        }
        self.next = Next::At(now);
    }

    /// Runs the board if it is due, and collects what is to be told.
    pub(crate) fn step(&mut self, now: Moment) {
        if due(self.next).is_some_and(|due| due <= now) {
            // The moment is the host's for the whole slice: its length is bounded by steps, and the host looks at its
            // own clock between two of them.
            self.next = self.board.slice(&|| now, &mut Kept);
        }
        self.hear(now);
        self.desk.tick(now);
        self.carry_out(now);
    }

    /// All that there is to tell, and when the next step is due, as JSON.
    pub(crate) fn told(&mut self, now: Moment) -> String {
        let due = [due(self.next), self.desk.due()].into_iter().flatten().min();
        let due_ms = due.map(|due| due.max(now).as_secs_f64() * 1000.0);
        let told = std::mem::take(&mut self.told).join(",");
        format!(r#"{{"told":[{told}],"due_ms":{}}}"#, json!(due_ms))
    }

    /// What a path and its body mean; `None` for what is done at once.
    fn read(&mut self, now: Moment, asked: Asked) -> Result<Option<Command>, Trouble> {
        let body = asked.body;
        Ok(Some(match &asked.path[..] {
            "/api/run" => {
                let run: AskedRun = serde_json::from_value(body)?;
                Command::Run(Box::new(run.request(&self.course, MOST_SECONDS)?))
            }
            "/api/stop" => Command::Stop,
            "/api/reset" => Command::Reset,
            "/api/pause" => Command::Pause(serde_json::from_value::<AskedPause>(body)?.paused),
            "/api/speed" => {
                let speed: AskedSpeed = serde_json::from_value(body)?;
                Command::Speed(Speed::checked(speed.speed).ok_or(Trouble::SpeedOutOfRange)?)
            }
            "/api/set" => {
                let (name, value) = serde_json::from_value::<AskedSet>(body)?.checked(&self.course)?;
                Command::Set(name, value)
            }
            "/api/part" => {
                let AskedPart { part, control, value } = serde_json::from_value(body)?;
                Command::Part { part, control, value }
            }
            "/api/files" => serde_json::from_value::<AskedFile>(body)?.command()?,
            "/api/pins" => serde_json::from_value::<AskedPins>(body)?.into(),
            "/api/console" => {
                let (text, lesson) = serde_json::from_value::<AskedConsole>(body)?.known(&self.course);
                Command::Type { text, lesson }
            }
            // A page that nobody sees: time stands still, and nothing is caught up later.
            "/tab/sleep" => {
                self.board.obey(now, now, EngineCommand::Sleep);
                return Ok(None);
            }
            "/tab/wake" => {
                self.board.obey(now, now, EngineCommand::Wake);
                return Ok(None);
            }
            _ => return Err(Trouble::CommandUnknown(asked.path)),
        }))
    }

    fn refuse(&mut self, ticket: Asker, trouble: &Trouble) {
        self.told.push(json!({ "ticket": ticket, "error": trouble.text(self.language) }).to_string());
    }

    fn done(&mut self, ticket: Asker, body: &Value) {
        self.told.push(json!({ "ticket": ticket, "body": body }).to_string());
    }

    /// Lets the desk hear what the board reports.
    fn hear(&mut self, now: Moment) {
        for report in self.board.take_reports() {
            self.desk.hear(now, report);
            self.carry_out(now);
        }
    }

    /// Does what the desk wants done, in its order.
    fn carry_out(&mut self, now: Moment) {
        while let Some(effect) = self.desk.next_effect() {
            match effect {
                Effect::Engine(command) => {
                    self.board.obey(now, now, command);
                    self.next = Next::At(now);
                }
                Effect::Event { name, data, .. } => self.tell(name, &data),
                Effect::Console { text, bad_frames, skipped_bytes, lesson } => {
                    let data = json!({
                        "text": text, "bad_frames": bad_frames, "skipped_bytes": skipped_bytes, "lesson": lesson.as_deref(),
                    });
                    self.tell("console", &data.to_string());
                }
                // Nothing is kept for readers that come later, and the status goes out in an event of its own.
                Effect::ForgetRun | Effect::Status => {}
                Effect::Answer(ticket, Ok(Done::Done)) => self.done(ticket, &json!({ "done": true })),
                Effect::Answer(ticket, Ok(Done::Started(id))) => self.done(ticket, &json!({ "id": id })),
                Effect::Answer(ticket, Ok(Done::Told(told))) => {
                    self.told.push(format!(r#"{{"ticket":{ticket},"body":{told}}}"#));
                }
                Effect::Answer(ticket, Err(refusal)) => self.refuse(ticket, &refusal.into()),
                Effect::Record(record) => {
                    let lesson = self.course.lesson(&record.request.lesson);
                    if let Some(lesson) = lesson
                        && record.end.why != EndReason::NotStarted
                        && record.last.is_some()
                    {
                        for row in judge::outcomes(lesson, &record) {
                            self.tell("record", &row.to_string());
                        }
                    }
                }
            }
        }
    }

    fn tell(&mut self, name: &'static str, data: &str) {
        self.told.push(format!(r#"{{"name":"{name}","data":{data}}}"#));
    }
}

fn due(next: Next) -> Option<Duration> {
    match next {
        Next::Woken => None,
        Next::At(at) | Next::Urgent { at, .. } => Some(at),
    }
}
