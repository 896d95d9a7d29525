//! What one run was asked for and what it measured. Live boards and headless runs keep the same
//! record, and everything that is judged, stored or printed is made from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use parts::Wiring;
use protocol::received::{Hello, Latency, Sample, What};
use serde::Serialize;

use crate::asked::WORKSHOP;
use crate::driven;
use crate::pins::PartShown;
use crate::session::{EndReason, RunEnd, RunOrder, SessionEvent, Setting as WireSetting};
use crate::stretch::{Stretch, Stretches};
use crate::version::BoardVersion;
use crate::witness::Seen;
use course::lesson::ExerciseDriver;
use course::relation::Value;
use course::{Measured, Setting, Settings};

/// The console text that a record keeps: the first and the last so many bytes.
const CONSOLE_KEPT_BYTES: usize = 4096;
/// Exceptions that a record keeps; all are counted.
const EXCEPTIONS_KEPT: usize = 16;
/// What a stop raises in a program.
const INTERRUPTED: &str = "KeyboardInterrupt";

/// What a run is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRequest {
    /// The lesson's slug.
    pub lesson: String,
    /// MicroPython source.
    pub program: String,
    /// Whether the source is the visitor's own and not the lesson's.
    pub own_program: bool,
    /// What drives the program, if it is for an exercise that has a driver.
    pub driver: Option<ExerciseDriver>,
    /// Every control of the lesson.
    pub settings: Settings,
    /// Seconds of the board's time; 0: until it is stopped.
    pub seconds: u32,
    /// Fixes what would be chance on silicon.
    pub seed: u64,
    /// What is on the pins; empty: nothing.
    pub wiring: Arc<Wiring>,
}

impl RunRequest {
    /// Whose program it is, as in JSON.
    #[must_use]
    pub const fn program_name(&self) -> &'static str {
        if self.own_program { "own" } else { "lesson" }
    }

    /// The request as the session needs it.
    #[must_use]
    pub fn order(&self, run: u32) -> RunOrder {
        let settings = self.settings.iter().map(|(name, value)| (name.clone(), wire_setting(value))).collect();
        let program = match &self.driver {
            Some(driver) => driven::compose(&driver.text, &self.program),
            None => self.program.clone(),
        };
        let keeps_files = self.lesson == WORKSHOP;
        let limit = Duration::from_secs(self.seconds.into());
        RunOrder { run, program, settings, limit, keeps_files, mount_anew: false }
    }
}

/// A setting as it goes over the wire. Numbers are checked against the control's range before.
#[must_use]
pub fn wire_setting(setting: &Setting) -> WireSetting {
    match setting {
        Setting::Number(number) => {
            let bounded = (*number).clamp(i32::MIN.into(), i32::MAX.into());
            WireSetting::Number(i32::try_from(bounded).unwrap_or_default())
        }
        Setting::Text(text) => WireSetting::Choice(text.clone()),
    }
}

/// An exception that nobody handled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExceptionRecord {
    /// `hard`, `soft` or `main`.
    pub context: String,
    /// Class name.
    pub class: String,
    /// Message.
    pub text: String,
}

/// What one run measured.
#[derive(Clone, Debug, PartialEq)]
pub struct RunRecord {
    /// What was asked for.
    pub request: RunRequest,
    /// Controls that were changed while it ran; `settings` of the request holds the last values.
    pub changed: BTreeSet<String>,
    /// How it ended.
    pub end: RunEnd,
    /// The last sample; `None` where the program never started.
    pub last: Option<Sample>,
    /// The last value of every published list.
    pub lists: BTreeMap<String, Vec<i32>>,
    /// The last latency histogram of every source, by its id.
    pub latencies: BTreeMap<String, Latency>,
    /// The first exceptions.
    pub exceptions: Vec<ExceptionRecord>,
    /// What the program printed; the middle of a flood is left out.
    pub console: String,
    /// Frames that could not be read.
    pub bad_frames: u64,
    /// Whether there was one behind the last sample, so that nobody knows whether it was the last one.
    pub end_unread: bool,
    /// Who ran it.
    pub hello: Option<Hello>,
    /// What decided it, on a virtual board.
    pub version: Option<BoardVersion>,
    /// What the parts showed at the end; known of headless runs.
    pub parts: Vec<PartShown>,
    /// What was seen from outside; `None`: nobody watched, and the record says what the board reported.
    pub seen: Option<Seen>,
    /// The stretches of a run whose controls were changed midway, each with its settings; none where nothing was changed.
    pub stretches: Vec<Stretch>,
    /// What this record cannot say: largest values of a stretch that were reached before it.
    pub unmeasured: BTreeSet<String>,
}

/// Makes a record from a session's events.
#[derive(Clone, Debug)]
pub struct Recorder {
    request: RunRequest,
    run: u32,
    version: Option<BoardVersion>,
    changed: BTreeSet<String>,
    last: Option<Sample>,
    lists: BTreeMap<String, Vec<i32>>,
    latencies: BTreeMap<String, Latency>,
    exceptions: Vec<ExceptionRecord>,
    console: Vec<u8>,
    console_end: Vec<u8>,
    bad_frames_before: Option<u64>,
    bad_frames: u64,
    end_unread: bool,
    stretches: Stretches,
}

/// Whether a run was ended by interrupting the program.
fn was_stopped(why: EndReason) -> bool {
    matches!(why, EndReason::Stopped | EndReason::Overtime | EndReason::Restarted)
}

fn raised_by_the_stop(exception: &ExceptionRecord) -> bool {
    exception.context == "main" && exception.class == INTERRUPTED
}

impl Recorder {
    /// Begins a record of a run on a board of this version.
    #[must_use]
    pub fn new(request: RunRequest, run: u32, version: Option<BoardVersion>) -> Self {
        Self {
            stretches: Stretches::new(&request.settings),
            request,
            run,
            version,
            changed: BTreeSet::new(),
            last: None,
            lists: BTreeMap::new(),
            latencies: BTreeMap::new(),
            exceptions: Vec::new(),
            console: Vec::new(),
            console_end: Vec::new(),
            bad_frames_before: None,
            bad_frames: 0,
            end_unread: false,
        }
    }

    /// What was asked for, with the controls as they are now.
    #[must_use]
    pub fn request(&self) -> &RunRequest {
        &self.request
    }

    /// Notes that a control was changed while the program ran.
    pub fn control_changed(&mut self, name: &str, value: Setting) {
        self.request.settings.insert(name.to_owned(), value);
        self.changed.insert(name.to_owned());
        self.stretches.cut(&self.request.settings);
    }

    /// Hears an event; the record is complete with the end of the run.
    pub fn hear(&mut self, event: &SessionEvent, hello: Option<&Hello>) -> Option<RunRecord> {
        match event {
            SessionEvent::Sample(_, sample) if sample.run == self.run => {
                self.lists.extend(sample.h.clone());
                for source in sample.src.iter().filter(|source| !source.lat.bins.is_empty()) {
                    self.latencies.insert(source.id.clone(), source.lat.clone());
                }
                self.stretches.hear(sample, &self.lists);
                self.last = Some(sample.clone());
                self.end_unread = false;
            }
            SessionEvent::Event(_, event) if event.run == self.run => {
                if let What::Exception { context, class, text } = &event.what
                    && self.exceptions.len() < EXCEPTIONS_KEPT
                {
                    let (context, class, text) = (context.clone(), class.clone(), text.clone());
                    self.exceptions.push(ExceptionRecord { context, class, text });
                    self.stretches.hear_exception();
                }
            }
            SessionEvent::Console(text) => self.keep_console(text),
            SessionEvent::BadFrame(so_far, _) => {
                let before = *self.bad_frames_before.get_or_insert(so_far - 1);
                self.bad_frames = so_far - before;
                self.end_unread = true;
            }
            SessionEvent::RunEnded(end) if end.run == self.run => return Some(self.finish(end.clone(), hello)),
            _ => {}
        }
        None
    }

    fn keep_console(&mut self, text: &[u8]) {
        let room = CONSOLE_KEPT_BYTES.saturating_sub(self.console.len()).min(text.len());
        let (kept, rest) = text.split_at(room);
        self.console.extend(kept);
        self.console_end.extend(rest);
        if self.console_end.len() > 2 * CONSOLE_KEPT_BYTES {
            self.console_end.drain(..self.console_end.len() - CONSOLE_KEPT_BYTES);
        }
    }

    /// The program did not raise what a stop raises in it.
    fn forget_the_stop(record: &mut RunRecord) {
        if !was_stopped(record.end.why) {
            return;
        }
        let before = record.exceptions.len();
        record.exceptions.retain(|exception| !raised_by_the_stop(exception));
        let stops = u32::try_from(before - record.exceptions.len()).unwrap_or(u32::MAX);
        if let Some(last) = &mut record.last {
            last.exc = last.exc.saturating_sub(stops);
        }
        if let Some(Stretch { last, .. }) = record.stretches.last_mut() {
            last.exc = last.exc.saturating_sub(stops);
        }
    }

    fn finish(&self, end: RunEnd, hello: Option<&Hello>) -> RunRecord {
        let mut console = String::from_utf8_lossy(&self.console).into_owned();
        console.push_str(&String::from_utf8_lossy(&self.console_end));
        // The prompt that follows every program is not its output.
        if let Some(printed) = console.strip_suffix(">>> ") {
            console.truncate(printed.len());
        }
        let mut record = RunRecord {
            request: self.request.clone(),
            changed: self.changed.clone(),
            end,
            last: self.last.clone(),
            lists: self.lists.clone(),
            latencies: self.latencies.clone(),
            exceptions: self.exceptions.clone(),
            console,
            bad_frames: self.bad_frames,
            end_unread: self.end_unread,
            hello: hello.cloned(),
            version: self.version.clone(),
            parts: Vec::new(),
            seen: None,
            stretches: self.stretches.clone().finish(self.last.as_ref().map(|last| (last, &self.lists))),
            unmeasured: BTreeSet::new(),
        };
        Self::forget_the_stop(&mut record);
        record
    }
}

/// The counters of a whole run, named as in the lesson map.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(
    missing_docs,
    reason = "named as in protocol::board::Sample and Source; sums over the sources where there are several"
)]
pub struct Counters {
    pub expected: u32,
    pub fired: u32,
    pub missed: u32,
    pub ran: u32,
    pub dropped: u32,
    pub disabled: u32,
    pub q: u8,
    pub qmax: u8,
    pub main: u32,
    pub stall_max: u32,
    pub locked_max: u32,
    pub exc: u32,
    /// Of the first source, as the other latencies.
    pub lat_min: u32,
    pub lat_p50: u32,
    pub lat_p99: u32,
    pub lat_max: u32,
    pub run_us: u64,
}

impl RunRecord {
    /// Takes what was seen from outside. There, too, the program did not raise what a stop raises in it.
    pub(crate) fn watched(&mut self, seen: Option<Seen>) {
        self.seen = seen;
        if let Some(seen) = self.seen.as_mut().filter(|_| was_stopped(self.end.why)) {
            seen.forget(raised_by_the_stop);
        }
    }

    /// The counters at the end of the run.
    #[must_use]
    pub fn counters(&self) -> Option<Counters> {
        let last = self.last.as_ref()?;
        let sum =
            |count: fn(&protocol::received::Source) -> u32| last.src.iter().map(count).fold(0, u32::saturating_add);
        let latency = last.src.first().map(|source| source.lat.clone()).unwrap_or_default();
        Some(Counters {
            expected: sum(|source| source.expected),
            fired: sum(|source| source.fired),
            missed: sum(|source| source.missed),
            ran: sum(|source| source.ran),
            dropped: sum(|source| source.dropped),
            disabled: sum(|source| source.disabled.into()),
            q: last.q,
            qmax: last.qmax,
            main: last.main,
            stall_max: last.stall_max,
            locked_max: last.locked_max,
            exc: last.exc,
            lat_min: latency.min,
            lat_p50: latency.p50,
            lat_p99: latency.p99,
            lat_max: latency.max,
            run_us: last.run_us,
        })
    }

    /// Everything that relations can speak of: settings, counters, the program's own numbers and
    /// lists, exceptions, and how the run ended.
    #[must_use]
    pub fn measured(&self) -> Measured {
        let all = self.all_measured();
        let mut measured = Measured::new();
        for (name, value) in all.iter().filter(|(name, _)| !self.unmeasured.contains(*name)) {
            measured.insert(name, value.clone());
        }
        measured
    }

    fn all_measured(&self) -> Measured {
        let mut measured = Measured::new();
        if let Some(seen) = &self.seen {
            // What the board reported counts for nothing where somebody watched.
            seen.insert_into(&mut measured);
            self.insert_request(&mut measured);
            return measured;
        }
        // What the program says of itself goes first: what comes after it under the same name is what was measured.
        for (name, values) in &self.lists {
            for (at, value) in values.iter().enumerate() {
                measured.insert(format!("{name}.{at}"), f64::from(*value));
            }
        }
        for (name, value) in self.last.iter().flat_map(|last| &last.v) {
            measured.insert(name, f64::from(*value));
        }
        self.insert_request(&mut measured);
        if let Some(counters) = self.counters() {
            insert_numbers(&mut measured, "", &counters);
        }
        let Some(last) = &self.last else { return measured };
        for source in &last.src {
            let prefix = format!("{}.", source.id);
            insert_numbers(&mut measured, &prefix, source);
            let Latency { min, p50, p99, max, .. } = source.lat;
            for (name, us) in [("min", min), ("p50", p50), ("p99", p99), ("max", max)] {
                measured.insert(format!("{prefix}lat_{name}"), f64::from(us));
            }
            measured.insert(format!("{prefix}disabled"), f64::from(u8::from(source.disabled)));
        }
        for (at, exception) in self.exceptions.iter().enumerate() {
            measured.insert(format!("exc{at}.context"), exception.context.as_str());
            measured.insert(format!("exc{at}.class"), exception.class.as_str());
            measured.insert(format!("exc{at}.text"), exception.text.as_str());
        }
        measured
    }

    /// The settings, and how the run ended.
    fn insert_request(&self, measured: &mut Measured) {
        for (name, setting) in &self.request.settings {
            match setting {
                Setting::Number(number) => measured.insert(name, *number as f64),
                Setting::Text(text) => measured.insert(name, text.as_str()),
            }
        }
        measured.insert("why", why(self.end.why));
    }

    /// The measured numbers, without the settings, for a row of the outcome table.
    #[must_use]
    pub fn numbers(&self) -> serde_json::Map<String, serde_json::Value> {
        let measured = self.measured();
        measured
            .iter()
            .filter(|(name, _)| !self.request.settings.contains_key(*name))
            .filter_map(|(name, value)| match value {
                // Counters are whole; a fraction would only be noise in the page's tables.
                Value::Number(number) => Some((name.to_owned(), serde_json::Value::from(*number as i64))),
                Value::Text(_) => None,
            })
            .collect()
    }
}

/// The name of the way a run ended, as in JSON.
#[must_use]
pub fn why(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Finished => "finished",
        EndReason::Exception => "exception",
        EndReason::Stopped => "stopped",
        EndReason::Restarted => "restarted",
        EndReason::Overtime => "overtime",
        EndReason::Crashed => "crashed",
        EndReason::DeepSleep => "deep_sleep",
        EndReason::NotStarted => "not_started",
    }
}

/// Records every number of a serializable structure under its field's name.
fn insert_numbers(measured: &mut Measured, prefix: &str, fields: &impl Serialize) {
    if let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(fields) {
        for (name, value) in fields {
            if let Some(number) = value.as_f64() {
                measured.insert(format!("{prefix}{name}"), number);
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;

    pub(crate) fn request() -> RunRequest {
        let settings = [("rate".into(), Setting::Number(1000)), ("kind".into(), Setting::Text("soft".into()))];
        RunRequest {
            lesson: "lost-update".into(),
            program: "pass".into(),
            own_program: false,
            driver: None,
            settings: settings.into(),
            seconds: 2,
            seed: 7,
            wiring: Arc::default(),
        }
    }

    pub(crate) fn sample(run: u32) -> Sample {
        let source = |id: &str, ran: u32| {
            json!({"id":id,"hard":false,"hz":1000,"expected":ran+2,"fired":ran+1,"missed":1,"ran":ran,"dropped":1,
                "queued":0,"disabled":id == "t1","lat":{"min":3,"p50":5,"p99":9,"max":12}})
        };
        let sample = json!({"t":"sample","n":1,"us":5000,"run":run,"run_us":2000,"src":[source("t0",100), source("t1",10)],
            "q":0,"qmax":2,"main":500,"stall_max":40,"locked_max":0,"exc":1,"lost_frames":0,"bad_bytes":0,
            "v":{"lost":4},"h":{"H":[1,0,-2]}});
        serde_json::from_value(sample).unwrap()
    }

    pub(crate) fn end(run: u32, why: EndReason) -> SessionEvent {
        SessionEvent::RunEnded(RunEnd { run, why, report: None, proven_still: false, fault: None, sleep: None })
    }

    pub(crate) fn record() -> RunRecord {
        let mut recorder = Recorder::new(request(), 3, None);
        assert_eq!(recorder.hear(&SessionEvent::Sample(Arc::from("{}"), sample(3)), None), None);
        recorder.hear(&SessionEvent::Sample(Arc::from("{}"), Sample { main: 9, ..sample(2) }), None);
        let exception = json!({"n":2,"us":1,"run":3,"what":{"kind":"exception","context":"soft","class":"MemoryError","text":"no"}});
        recorder.hear(&SessionEvent::Event(Arc::from("{}"), serde_json::from_value(exception).unwrap()), None);
        recorder.hear(&SessionEvent::Console(b"hi".to_vec()), None);
        recorder.hear(&end(3, EndReason::Finished), None).expect("the run is over")
    }

    #[test]
    fn a_program_cannot_speak_in_the_name_of_what_was_measured() {
        let mut record = record();
        let last = record.last.as_mut().unwrap();
        for name in ["dropped", "ran", "t0.ran", "lat_max", "rate", "kind", "why"] {
            last.v.insert(name.into(), -7);
        }
        record.lists.insert("exc0".into(), vec![1]);
        let measured = record.measured();
        for name in ["dropped", "ran", "t0.ran", "lat_max", "rate", "kind", "why"] {
            assert_ne!(measured.get(name), Some(&Value::Number(-7.0)), "{name}");
        }
    }

    #[test]
    fn a_record_knows_whether_its_end_could_be_read() {
        let mut recorder = Recorder::new(request(), 3, None);
        let (good, bad) = (SessionEvent::Sample(Arc::from("{}"), sample(3)), SessionEvent::BadFrame(1, b"{".to_vec()));
        let mut end_after = |events: &[&SessionEvent]| {
            events.iter().for_each(|event| assert_eq!(recorder.hear(event, None), None));
            recorder.hear(&end(3, EndReason::Finished), None).unwrap().end_unread
        };
        assert!(!end_after(&[&bad, &good]));
        assert!(end_after(&[&good, &bad]));
    }

    #[test]
    fn a_record_names_everything_that_was_measured() {
        let measured = record().measured();
        let number = |name: &str| match measured.get(name) {
            Some(Value::Number(number)) => *number,
            other => panic!("{name} is {other:?}"),
        };
        for (name, expected) in [
            ("rate", 1000.0),
            ("expected", 114.0),
            ("fired", 112.0),
            ("ran", 110.0),
            ("missed", 2.0),
            ("dropped", 2.0),
            ("disabled", 1.0),
            ("qmax", 2.0),
            ("main", 500.0),
            ("run_us", 2000.0),
            ("lat_max", 12.0),
            ("t1.ran", 10.0),
            ("t1.disabled", 1.0),
            ("t0.lat_p99", 9.0),
            ("H.0", 1.0),
            ("H.2", -2.0),
            ("lost", 4.0),
            ("exc", 1.0),
        ] {
            assert_eq!(number(name), expected, "{name}");
        }
        assert_eq!(measured.get("kind"), Some(&Value::from("soft")));
        assert_eq!(measured.get("exc0.class"), Some(&Value::from("MemoryError")));
        assert_eq!(measured.get("why"), Some(&Value::from("finished")));
        let numbers = record().numbers();
        assert_eq!((numbers.get("lost"), numbers.get("rate")), (Some(&json!(4)), None));
    }

    #[test]
    fn the_middle_of_a_flood_is_left_out() {
        let mut recorder = Recorder::new(request(), 3, None);
        for n in 0..100_000 {
            recorder.hear(&SessionEvent::Console(format!("{n}\n").into_bytes()), None);
        }
        let record = recorder.hear(&end(3, EndReason::Stopped), None).unwrap();
        assert!(record.console.starts_with("0\n1\n") && record.console.ends_with("99999\n"));
        assert!(record.console.len() <= 3 * CONSOLE_KEPT_BYTES);
    }

    #[test]
    fn a_change_during_the_run_is_remembered() {
        let mut recorder = Recorder::new(request(), 3, None);
        recorder.control_changed("rate", Setting::Number(50));
        let record = recorder.hear(&end(3, EndReason::Stopped), None).unwrap();
        assert_eq!(record.request.settings["rate"], Setting::Number(50));
        assert!(record.changed.contains("rate"));
    }
}
