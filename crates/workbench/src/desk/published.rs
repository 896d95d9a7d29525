//! What the page is told of a board and its run, as it is told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use course::Settings;
use protocol::received::Sample;
use serde::Serialize;

use super::{Desk, Effect, since};
use crate::clock::Moment;
use crate::description::describe;
use crate::pins::PartShown;
use crate::record::why;
use crate::session::{RunEnd, SessionFault};
use crate::state::BoardStatus;

/// How often the state of a run is published.
const RUN_INTERVAL: Duration = Duration::from_millis(250);

/// The `run` event, as the page knows it.
#[derive(Serialize)]
struct RunEvent<'a> {
    id: u32,
    lesson: &'a str,
    program: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    settings: &'a Settings,
    elapsed_us: u64,
    seconds: u32,
    seed: u64,
    speed: f64,
    paused: bool,
    share: f64,
}

impl Desk {
    pub(super) fn publish_status(&mut self, now: Moment, change: impl FnOnce(&mut BoardStatus)) {
        change(&mut self.status);
        self.effects.push_back(Effect::Status);
        let data = serde_json::to_string(&describe(&self.status, self.language));
        self.publish(now, "board", data);
    }

    pub(super) fn publish_run_at_intervals(&mut self, now: Moment) {
        if self.run.as_ref().is_some_and(|run| run.started && since(run.published, now) >= RUN_INTERVAL) {
            self.publish_run(now, "running", None);
        }
    }

    pub(super) fn publish_run(&mut self, now: Moment, state: &'static str, end: Option<&RunEnd>) {
        let Some(run) = &mut self.run else { return };
        run.published = now;
        let state = if state == "running" && !run.started { "starting" } else { state };
        let request = run.recorder.request();
        let data = serde_json::to_string(&RunEvent {
            id: run.number,
            lesson: &request.lesson,
            program: request.program_name(),
            state,
            why: end.map(|end| why(end.why)),
            code: end.and_then(|end| end.fault).map(SessionFault::code),
            settings: &request.settings,
            elapsed_us: run.elapsed_us,
            seconds: request.seconds,
            seed: request.seed,
            speed: self.status.speed,
            paused: self.status.paused,
            share: self.status.share,
        });
        self.publish(now, "run", data);
    }

    pub(super) fn publish_parts(&mut self, now: Moment, parts: &[PartShown]) {
        self.publish(now, "parts", serde_json::to_string(parts));
    }

    /// Tells what the console has collected.
    pub fn flush_console(&mut self) {
        if let Some((text, skipped_bytes)) = self.console.take() {
            let (bad_frames, lesson) = (self.bad_frames, self.console_lesson.clone());
            self.effects.push_back(Effect::Console { text, bad_frames, skipped_bytes, lesson });
        }
    }

    /// What comes from now on is another lesson's text.
    pub(super) fn turn_console_to(&mut self, lesson: Option<Arc<str>>) {
        if self.console_lesson != lesson {
            self.flush_console();
            self.console_lesson = lesson;
        }
    }

    pub(super) fn publish(&mut self, made: Moment, name: &'static str, data: serde_json::Result<String>) {
        match data {
            Ok(data) => self.effects.push_back(Effect::Event { name, data: data.into(), made }),
            Err(error) => tracing::error!(%error, name, "an event cannot be written as JSON"),
        }
    }
}

/// Whether two samples show the same, apart from their time. Lists come with every fifth sample
/// only, and never change without a counter.
pub(super) fn same_numbers(a: &Sample, b: &Sample) -> bool {
    let without_time = |sample: &Sample| {
        let mut sample = Sample { n: 0, us: 0, run_us: 0, h: BTreeMap::new(), ..sample.clone() };
        for source in &mut sample.src {
            (source.lat.bins, source.lat.from) = (Vec::new(), 0);
        }
        sample
    };
    without_time(a) == without_time(b)
}
