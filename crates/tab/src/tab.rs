//! What one worker has: the course, the booted board, and a live bench.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use course::{Course, Language};
use serde::Deserialize;
use workbench::asked::AskedRun;
use workbench::clock::Moment;
use workbench::emulated::BootedBoard;
use workbench::firmware::LessonFirmware;
use workbench::headless::{self, Report};

use crate::jobs::{Jobs, Place};
use crate::live::Live;
use crate::trouble::Trouble;

/// The longest run, in seconds: the same as on the command line.
const MOST_SECONDS: u32 = 3600;

/// What [`Tab::state_hashes`] is asked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AskedStates {
    run: AskedRun,
    /// Microseconds of virtual time, none before the one in front of it.
    times_us: Vec<u64>,
}

/// All that a worker has loaded and started.
#[derive(Default)]
pub struct Tab {
    language: Language,
    course: Option<Arc<Course>>,
    symbols: Vec<u8>,
    booted: Option<BootedBoard>,
    live: Option<Live>,
    jobs: Jobs,
}

impl Tab {
    /// The language of what a person reads.
    #[must_use]
    pub fn language(&self) -> Language {
        self.language
    }

    /// Chooses the language by its tag, such as `ja`.
    ///
    /// # Errors
    /// No text, or a language without words.
    pub fn choose_language(&mut self, tag: &[u8]) -> Result<(), Trouble> {
        let tag = std::str::from_utf8(tag).ok().and_then(Language::from_tag);
        self.language = tag.ok_or_else(|| Trouble::Unreadable("no language of the course".into()))?;
        if let Some(live) = &mut self.live {
            live.set_language(self.language);
        }
        Ok(())
    }

    /// Lets boards use the traces of a module, see [`tab_use_traces`](crate::border::tab_use_traces).
    ///
    /// # Errors
    /// No table of traces.
    #[cfg(target_arch = "wasm32")]
    pub fn use_traces(&self, run: usize, table: &[u8]) -> Result<(), Trouble> {
        let offered = emulator::engine::traces::module::offer(run, table);
        offered.then_some(()).ok_or_else(|| Trouble::Unreadable("no table of traces".into()))
    }

    /// The host's own traces are better.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(target_arch = "wasm32"))]
    pub fn use_traces(&self, _run: usize, _table: &[u8]) -> Result<(), Trouble> {
        Err(Trouble::Unreadable("no table of traces".into()))
    }

    /// Loads the lessons: one JSON object with the text of every file by its path. Whoever hands them out has checked them.
    ///
    /// # Errors
    /// No such object, or lessons that cannot be read.
    pub fn load_lessons(&mut self, files: &[u8]) -> Result<(), Trouble> {
        let files: BTreeMap<String, String> = serde_json::from_slice(files)?;
        let files = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
        self.course = Some(Arc::new(Course::from_checked_files(&files)?));
        Ok(())
    }

    /// Loads the firmware's symbols, for what looks into a program; without them nothing can be explored, and of interrupts
    /// nothing is seen. A board that has been booted learns them, too.
    pub fn load_symbols(&mut self, elf: Vec<u8>) {
        if let Some(booted) = &self.booted {
            booted.firmware().learn(&elf);
        }
        self.symbols = elf;
    }

    /// Boots a board with this flash, up to its prompt. Whoever explores has loaded the symbols before.
    ///
    /// # Errors
    /// The image is none, or does not come up.
    pub fn boot(&mut self, flash_image: Vec<u8>) -> Result<(), Trouble> {
        self.live = None;
        self.jobs.forget();
        self.booted = Some(BootedBoard::boot(LessonFirmware::new(flash_image, self.symbols.clone()))?);
        Ok(())
    }

    /// Carries out one run as fast as it goes; the report is what `isrlab run --json` prints.
    ///
    /// # Errors
    /// What is asked for is impossible, or the board failed; a program that fails is no error but a report.
    pub fn headless_run(&self, asked: &[u8]) -> Result<String, Trouble> {
        let asked: AskedRun = serde_json::from_slice(asked)?;
        let request = asked.request(self.course()?, MOST_SECONDS)?;
        let record = headless::run(&mut self.booted()?.fresh(request.seed)?, &request, &mut |_| true)?;
        if let Some(fault) = record.end.fault {
            return Err(fault.into());
        }
        Report::new("virtual", &record).text().map_err(|error| Trouble::Internal(error.to_string()))
    }

    /// Begins a run and answers, as a JSON list, with a hash of the board's state at each of some times after that.
    ///
    /// # Errors
    /// What is asked for is impossible, or the board failed.
    pub fn state_hashes(&self, asked: &[u8]) -> Result<String, Trouble> {
        let AskedStates { run, times_us } = serde_json::from_slice(asked)?;
        let request = run.request(self.course()?, MOST_SECONDS)?;
        let times: Vec<_> = times_us.into_iter().map(Duration::from_micros).collect();
        let hashes = headless::state_hashes(&mut self.booted()?.fresh(request.seed)?, &request, &times)?;
        let hashes: Vec<_> = hashes.into_iter().map(|hash| format!("{hash:016x}")).collect();
        Ok(serde_json::to_string(&hashes)?)
    }

    /// Carries out a check or an exploration, from its beginning to its end; the answer is what the server answers. `tell`
    /// hears events of its progress.
    ///
    /// # Errors
    /// What is asked for is impossible, or cannot be explored; a program that fails is no error but a verdict.
    pub fn job(&mut self, asked: &[u8], tell: &mut dyn FnMut(&str, &serde_json::Value)) -> Result<String, Trouble> {
        let asked = serde_json::from_slice(asked)?;
        let (course, boards) = (self.course()?.clone(), self.booted()?.clone());
        self.jobs.carry_out(asked, &Place { course: &course, boards: &boards, language: self.language }, tell)
    }

    /// Carries a command of the page out, or begins to. Its answer comes with this or a later step.
    ///
    /// # Errors
    /// Not a command at all; a refusal is an answer.
    pub fn command(&mut self, now: Moment, command: &[u8]) -> Result<String, Trouble> {
        let command = serde_json::from_slice(command)?;
        let live = self.live(now)?;
        live.command(now, command);
        Ok(live.told(now))
    }

    /// Lets the live board run for a few milliseconds if that is due, and says what the page is to be told.
    ///
    /// # Errors
    /// There is no board yet.
    pub fn step(&mut self, now: Moment) -> Result<String, Trouble> {
        let live = self.live(now)?;
        live.step(now);
        Ok(live.told(now))
    }

    fn course(&self) -> Result<&Arc<Course>, Trouble> {
        self.course.as_ref().ok_or(Trouble::TooEarly("the course"))
    }

    fn booted(&self) -> Result<&BootedBoard, Trouble> {
        self.booted.as_ref().ok_or(Trouble::TooEarly("the board's firmware"))
    }

    /// The live bench, which begins when somebody first needs it.
    fn live(&mut self, now: Moment) -> Result<&mut Live, Trouble> {
        let (course, booted) = (self.course()?.clone(), self.booted()?.clone());
        let language = self.language;
        Ok(self.live.get_or_insert_with(|| Live::new(now, course, booted, language)))
    }
}

#[cfg(test)]
mod tests {
    use firmware_tests::{firmware_file, lesson_files};
    use serde_json::{Value, json};

    use super::*;

    fn loaded() -> Tab {
        let mut tab = Tab::default();
        tab.load_symbols(firmware_file("lesson-firmware-esp32c3.elf"));
        let files: BTreeMap<String, String> =
            lesson_files().into_iter().map(|(path, bytes)| (path, String::from_utf8(bytes).unwrap())).collect();
        tab.load_lessons(serde_json::to_string(&files).unwrap().as_bytes()).unwrap();
        tab.boot(firmware_file("lesson-firmware-esp32c3.bin")).unwrap();
        tab
    }

    /// Steps a bench in a time of its own until `enough`, and returns all that it told.
    fn follow(tab: &mut Tab, now: &mut Moment, enough: impl Fn(&Value) -> bool) -> Vec<Value> {
        let mut told = Vec::new();
        for _ in 0..20_000 {
            let step: Value = serde_json::from_str(&tab.step(*now).unwrap()).unwrap();
            for one in step["told"].as_array().unwrap() {
                told.push(one.clone());
            }
            if told.iter().any(&enough) {
                return told;
            }
            match step["due_ms"].as_f64() {
                Some(due) => *now = (*now).max(Duration::from_secs_f64(due / 1000.0)),
                None => *now += Duration::from_millis(10),
            }
        }
        panic!("it never came: {told:?}");
    }

    fn ask(tab: &mut Tab, now: Moment, path: &str, body: Value) -> Value {
        let command = json!({ "ticket": 7, "path": path, "body": body });
        serde_json::from_str(&tab.command(now, command.to_string().as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn a_live_run_in_paced_steps_counts_what_a_headless_one_counts() {
        let mut tab = loaded();
        let asked = json!({ "lesson": "lost-update", "settings": { "kind": "soft" }, "seconds": 1, "seed": 3 });
        let report: Value = serde_json::from_str(&tab.headless_run(asked.to_string().as_bytes()).unwrap()).unwrap();
        let mut now = Duration::from_secs(5);
        let first = follow(&mut tab, &mut now, |one| one["name"] == "board" && one["data"]["state"] == "ready");
        assert!(first.iter().all(|one| one["name"] != "run"), "{first:?}");
        let answer = ask(&mut tab, now, "/api/run", asked);
        assert!(answer["told"].as_array().unwrap().iter().any(|one| one["ticket"] == 7 && one["body"]["id"] == 1000));
        let told = follow(&mut tab, &mut now, |one| one["name"] == "record");
        let row = &told.iter().find(|one| one["name"] == "record").unwrap()["data"];
        assert_eq!(row["why"], "finished");
        let ran = |counters: &Value| counters["ran"].as_i64().unwrap();
        assert!(ran(&report["counters"]) > 100, "{report}");
        assert_eq!(ran(&row["values"]), ran(&report["counters"]));
        assert!(told.iter().any(|one| one["name"] == "sample"), "{told:?}");
        assert!(told.iter().any(|one| one["name"] == "run" && one["data"]["state"] == "ended"));
    }

    #[test]
    fn a_control_changed_midway_gives_a_row_for_each_stretch() {
        let mut tab = loaded();
        let mut now = Duration::ZERO;
        follow(&mut tab, &mut now, |one| one["name"] == "board" && one["data"]["state"] == "ready");
        let settings = json!({ "kind": "soft", "expression": "plain" });
        ask(&mut tab, now, "/api/run", json!({ "lesson": "lost-update", "settings": settings, "seconds": 3 }));
        let elapsed = |one: &Value| one["data"]["elapsed_us"].as_u64().unwrap_or_default();
        follow(&mut tab, &mut now, |one| one["name"] == "run" && elapsed(one) > 1_200_000);
        let set = json!({ "lesson": "lost-update", "name": "expression", "value": "conditional" });
        ask(&mut tab, now, "/api/set", set);
        let last = |one: &Value| one["name"] == "record" && one["data"]["why"] == "finished";
        let told = follow(&mut tab, &mut now, last);
        let rows: Vec<_> = told.iter().filter(|one| one["name"] == "record").map(|one| &one["data"]).collect();
        let said: Vec<_> = rows.iter().map(|row| (&row["part"], &row["why"], &row["answers"])).collect();
        let answers = [json!({ "plain": "zero" }), json!({ "conditional": "some" })];
        assert_eq!(said, [(&json!(1), &json!("changed"), &answers[0]), (&json!(2), &json!("finished"), &answers[1]),]);
        let lost: Vec<_> = rows.iter().map(|row| row["values"]["lost"].as_i64().unwrap()).collect();
        assert!(lost[0] == 0 && lost[1] > 100, "{lost:?}");
    }

    #[test]
    fn a_sleeping_board_catches_nothing_up() {
        let mut tab = loaded();
        let mut now = Duration::ZERO;
        follow(&mut tab, &mut now, |one| one["name"] == "board" && one["data"]["state"] == "ready");
        ask(&mut tab, now, "/api/run", json!({ "lesson": "lost-update", "seconds": 30 }));
        let elapsed = |one: &Value| one["data"]["elapsed_us"].as_u64().unwrap_or_default();
        let told = follow(&mut tab, &mut now, |one| one["name"] == "run" && elapsed(one) > 400_000);
        let before = told.iter().filter(|one| one["name"] == "run").map(elapsed).max().unwrap();
        ask(&mut tab, now, "/tab/sleep", json!({}));
        now += Duration::from_secs(10);
        let step: Value = serde_json::from_str(&tab.step(now).unwrap()).unwrap();
        assert_eq!(step["due_ms"], Value::Null);
        ask(&mut tab, now, "/tab/wake", json!({}));
        let told = follow(&mut tab, &mut now, |one| one["name"] == "run" && elapsed(one) > before);
        let after = told.iter().filter(|one| one["name"] == "run").map(elapsed).max().unwrap();
        assert!(after < before + 1_000_000, "{before} µs before, {after} µs after ten seconds of sleep");
    }

    /// Has a job done, and returns its answer and the names of the events in between.
    fn done(tab: &mut Tab, job: &str, body: Value) -> (Result<Value, Trouble>, Vec<String>) {
        let mut names = Vec::new();
        let asked = json!({ "path": format!("/api/lessons/lost-update/{job}"), "body": body });
        let answer = tab.job(asked.to_string().as_bytes(), &mut |name, data| {
            assert_eq!(data["lesson"], "lost-update");
            names.push(name.to_owned());
        });
        (answer.map(|text| serde_json::from_str(&text).unwrap()), names)
    }

    #[test]
    fn the_starter_fails_and_the_solution_passes_with_progress_on_the_way() {
        let mut tab = loaded();
        let lesson = tab.course().unwrap().lesson("lost-update").unwrap().clone();
        for (program, passes) in [(&lesson.starter, false), (&lesson.solution, true)] {
            let (verdict, names) = done(&mut tab, "check", json!({ "program": program }));
            let verdict = verdict.unwrap();
            assert_eq!(verdict["passed"], passes, "{verdict}");
            assert!(names.len() > 2 && names.iter().all(|name| name == "check"), "{names:?}");
        }
    }

    #[test]
    fn a_check_is_watched_from_outside_and_says_so_where_it_is_not() {
        let own_timer = "import lab\n\nown = lab.timer(lambda t: None)\n\ndef total(table):\n    return sum(table)\n";
        let mut tab = loaded();
        let solution = tab.course().unwrap().lesson("how-late").unwrap().solution.clone();
        let check = |tab: &mut Tab, program: &str| -> Value {
            let asked = json!({ "path": "/api/lessons/how-late/check", "body": { "program": program } });
            serde_json::from_str(&tab.job(asked.to_string().as_bytes(), &mut |_, _| {}).unwrap()).unwrap()
        };
        let watched = check(&mut tab, &solution);
        assert_eq!(watched["passed"], true, "{watched}");
        assert!(!watched["message"].as_str().unwrap().contains("nobody watches"), "{watched}");
        assert_eq!(check(&mut tab, own_timer)["refused"], "driver-own-timer");
        // A module that never got the firmware's symbols.
        tab.load_symbols(Vec::new());
        tab.boot(firmware_file("lesson-firmware-esp32c3.bin")).unwrap();
        let reported = check(&mut tab, &solution);
        assert!(reported["message"].as_str().unwrap().contains("nobody watches"), "{reported}");
    }

    #[test]
    fn every_arrival_is_explored_and_single_ones_are_shown() {
        let mut tab = loaded();
        let (report, names) = done(&mut tab, "explore", json!({ "settings": { "kind": "hard" } }));
        let (report, arrivals) = (report.unwrap(), names.len());
        assert!(arrivals > 2 && report["predicted_share"]["losing"].as_f64().unwrap() > 0.0, "{report}");
        let question = |at| json!({ "settings": { "kind": "hard" }, "at": at });
        let (played, _) = done(&mut tab, "explore/at", question(3));
        assert_eq!(played.unwrap()["at"], 3);
        let (beyond, _) = done(&mut tab, "explore/at", question(1_000_000));
        assert_eq!(beyond.unwrap_err().code(), "explore-no-arrival");
        let (broken, _) = done(&mut tab, "explore", json!({ "exercise": true, "program": "1 +" }));
        assert_eq!(broken.unwrap_err().code(), "explore-program-failed");
        let (unknown, _) = done(&mut tab, "nothing", json!({}));
        assert_eq!(unknown.unwrap_err().code(), "page-unknown");
    }

    #[test]
    fn a_hand_moves_a_part_and_the_program_and_the_page_see_it() {
        let code = |answer: &Value| answer["told"].as_array().unwrap().iter().find(|one| one["ticket"] == 7).cloned();
        let press = |value: i64| json!({ "part": "bell", "control": "pressed", "value": value });
        let mut tab = loaded();
        let mut now = Duration::ZERO;
        follow(&mut tab, &mut now, |one| one["name"] == "board" && one["data"]["state"] == "ready");
        let early = code(&ask(&mut tab, now, "/api/part", press(1))).unwrap();
        assert_eq!(early["error"]["code"], "E-MOVE-CONNECTED");

        ask(&mut tab, now, "/api/run", json!({ "lesson": "ask-or-be-told", "seconds": 60 }));
        let closed = |one: &Value| one["name"] == "parts" && one["data"][0]["shown"]["closed"] == true;
        let told = |n: i64| move |one: &Value| one["name"] == "sample" && one["data"]["v"]["told"] == n;
        assert!(follow(&mut tab, &mut now, told(10)).iter().filter(|one| closed(one)).count() >= 8);
        // The lesson's own last press ends when its program says.
        let open = |one: &Value| one["name"] == "parts" && one["data"][0]["shown"]["closed"] == false;
        follow(&mut tab, &mut now, open);
        assert_eq!(code(&ask(&mut tab, now, "/api/part", press(1))).unwrap()["body"]["done"], true);
        let seen = follow(&mut tab, &mut now, told(11));
        // What is shown is told a moment later.
        if !seen.iter().any(closed) {
            follow(&mut tab, &mut now, closed);
        }
        for (body, refusal) in [
            (press(2), "E-MOVE-RANGE"),
            (json!({ "part": "bell", "control": "pull", "value": 1 }), "E-MOVE-CONTROL"),
            (json!({ "part": "gong", "control": "pressed", "value": 1 }), "E-MOVE-PART"),
        ] {
            assert_eq!(code(&ask(&mut tab, now, "/api/part", body)).unwrap()["error"]["code"], refusal);
        }
        ask(&mut tab, now, "/api/part", press(0));
        follow(&mut tab, &mut now, open);
    }

    /// Asks the board something, and returns the answer when it comes.
    fn answered(tab: &mut Tab, now: &mut Moment, path: &str, body: Value) -> Value {
        let mine = |one: &Value| one["ticket"] == 7;
        let first = ask(tab, *now, path, body);
        let told = first["told"].as_array().unwrap().clone();
        let told = if told.iter().any(mine) { told } else { follow(tab, now, mine) };
        let answer = told.into_iter().find(mine).unwrap();
        if answer["error"].is_null() { answer["body"].clone() } else { answer["error"].clone() }
    }

    fn run_to_its_end(tab: &mut Tab, now: &mut Moment, lesson: &str, program: &str) -> String {
        ask(tab, *now, "/api/run", json!({ "lesson": lesson, "program": program, "seconds": 5 }));
        let told = follow(tab, now, |one| one["name"] == "run" && one["data"]["state"] == "ended");
        let texts = told.iter().filter(|one| one["name"] == "console").map(|one| one["data"]["text"].as_str().unwrap());
        texts.collect()
    }

    #[test]
    fn files_outlive_runs_and_resets_and_are_found_by_programs() {
        let mut tab = loaded();
        let mut now = Duration::ZERO;
        follow(&mut tab, &mut now, |one| one["name"] == "board" && one["data"]["state"] == "ready");
        let files = |tab: &mut Tab, now: &mut Moment, body| answered(tab, now, "/api/files", body);
        let paths = |list: &Value| -> Vec<String> {
            let files = list["files"].as_array().unwrap_or_else(|| panic!("{list}"));
            files.iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
        };
        let list = files(&mut tab, &mut now, json!({ "do": "list" }));
        assert_eq!((paths(&list).len(), list["total"].as_u64()), (0, Some(2 << 20)), "{list}");
        // "def twice(x):\n    return 2 * x\n"
        let module = "ZGVmIHR3aWNlKHgpOgogICAgcmV0dXJuIDIgKiB4Cg==";
        let write = json!({ "do": "write", "path": "lib/double.py", "base64": module });
        assert_eq!(files(&mut tab, &mut now, write)["done"], true);
        assert_eq!(files(&mut tab, &mut now, json!({ "do": "read", "path": "lib/double.py" }))["base64"], module);
        let program = "import double\nprint('twice', double.twice(21))\nwith open('log.csv', 'a') as f:\n    f.write('one\\n')\n\
                       print(open('log.csv').read().count('one'))\n";
        let first = run_to_its_end(&mut tab, &mut now, "workshop", program);
        assert!(first.contains("twice 42\r\n1\r\n"), "{first:?}");
        let second = run_to_its_end(&mut tab, &mut now, "workshop", program);
        assert!(second.contains("twice 42\r\n2\r\n"), "{second:?}");
        // A lesson's run is on a board that nobody has used.
        let other = run_to_its_end(&mut tab, &mut now, "lost-update", "import os\nprint('files', os.listdir())\n");
        assert!(other.contains("files []"), "{other:?}");
        answered(&mut tab, &mut now, "/api/reset", json!({}));
        let list = files(&mut tab, &mut now, json!({ "do": "list" }));
        assert_eq!(paths(&list), ["/lib/double.py", "/log.csv"]);
        for (body, code) in [
            (json!({ "do": "read", "path": "none" }), "file-missing"),
            (json!({ "do": "read", "path": "a'b" }), "file-path"),
            (json!({ "do": "read", "path": "lib" }), "file-folder"),
            (json!({ "do": "write", "path": "big", "base64": "A".repeat(90_000) }), "file-too-large"),
        ] {
            assert_eq!(files(&mut tab, &mut now, body)["code"], code);
        }
        assert_eq!(files(&mut tab, &mut now, json!({ "do": "remove", "path": "log.csv" }))["done"], true);
        // A file of the greatest size goes there and comes back.
        let most = "QUJD".repeat(64 * 1024 / 3);
        assert_eq!(files(&mut tab, &mut now, json!({ "do": "write", "path": "most", "base64": most }))["done"], true);
        assert_eq!(files(&mut tab, &mut now, json!({ "do": "read", "path": "most" }))["base64"], most.as_str());
        let list = files(&mut tab, &mut now, json!({ "do": "list" }));
        assert_eq!(paths(&list), ["/lib/double.py", "/most"]);
    }

    #[test]
    fn main_py_runs_after_a_soft_reset() {
        let mut tab = loaded();
        let mut now = Duration::ZERO;
        follow(&mut tab, &mut now, |one| one["name"] == "board" && one["data"]["state"] == "ready");
        // "print('from main')\n"
        let write = json!({ "do": "write", "path": "main.py", "base64": "cHJpbnQoJ2Zyb20gbWFpbicpCg==" });
        assert_eq!(answered(&mut tab, &mut now, "/api/files", write)["done"], true);
        ask(&mut tab, now, "/api/console", json!({ "text": "\u{4}" }));
        follow(&mut tab, &mut now, |one| {
            one["name"] == "console" && one["data"]["text"].as_str().unwrap().contains("from main")
        });
    }

    #[test]
    fn pins_are_recorded_from_the_first_question_on() {
        let mut tab = loaded();
        let mut now = Duration::ZERO;
        follow(&mut tab, &mut now, |one| one["name"] == "board" && one["data"]["state"] == "ready");
        let news = json!({ "want": "news" });
        let before = answered(&mut tab, &mut now, "/api/pins", news.clone());
        assert_eq!((before["record"].as_u64(), before["sees_callbacks"].as_bool()), (Some(1), Some(true)));
        run_to_its_end(&mut tab, &mut now, "ask-or-be-told", "from machine import Pin\nPin(7, Pin.OUT).value(1)\n");
        let after = answered(&mut tab, &mut now, "/api/pins", news);
        let rises = after["changes"].as_array().unwrap().iter().filter(|change| change[1] == 7 && change[2] == 1);
        assert_eq!((after["record"].as_u64(), rises.count()), (Some(2), 1), "{after}");
        let vcd = answered(&mut tab, &mut now, "/api/pins", json!({ "want": "vcd" }));
        assert!(vcd["text"].as_str().unwrap().contains("$enddefinitions $end"), "{vcd}");
        assert_eq!(answered(&mut tab, &mut now, "/api/pins", json!({ "want": "nothing" }))["done"], true);
        let unknown = answered(&mut tab, &mut now, "/api/pins", json!({ "want": "more" }));
        assert_eq!(unknown["code"], "bad-json");
    }

    #[test]
    fn whatever_is_wrong_has_a_code_and_words() {
        let mut tab = Tab::default();
        assert_eq!(tab.headless_run(br#"{"lesson":"x"}"#).unwrap_err(), Trouble::TooEarly("the course"));
        assert!(tab.load_lessons(b"[]").is_err() && tab.load_lessons(b"{}").is_err());
        assert!(tab.boot(vec![0; 100]).is_err() || tab.step(Moment::ZERO).is_err());
        assert!(tab.choose_language(b"\xff").is_err() && tab.choose_language(b"xx").is_err());
        tab.choose_language(b"ja").unwrap();
        let mut tab = loaded();
        assert_eq!(tab.headless_run(b"{").unwrap_err().code(), "bad-json");
        let asked = br#"{"lesson":"lost-update","settings":{"rate":-1}}"#;
        let error = tab.headless_run(asked).unwrap_err();
        assert!(matches!(error, Trouble::Unaskable(_)), "{error:?}");
        let refused = ask(
            &mut tab,
            Moment::ZERO,
            "/api/set",
            json!({ "lesson": "lost-update", "name": "kind", "value": "soft" }),
        );
        let answer = refused["told"].as_array().unwrap().iter().find(|one| one["ticket"] == 7).unwrap();
        assert_eq!(answer["error"]["code"], "nothing-runs");
        let refused = ask(&mut tab, Moment::ZERO, "/api/nowhere", json!({}));
        assert_eq!(refused["told"].as_array().unwrap().last().unwrap()["error"]["code"], "page-unknown");
    }
}
