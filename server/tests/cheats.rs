//! Nobody passes a check without solving it: programs that try, each with what becomes of it.
//!
//! The first line of `cheats/NAME@LESSON.py` says it: `# refused: CODE`, where the run counts for nothing, or `# fails`, where
//! what the program does is seen and judged as any other program is.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use course::{Course, Language};
use workbench::judge::{self, Verdict};
use workbench::{check, headless::Boards as _};

fn checked(course: &Course, slug: &str, program: &str) -> Verdict {
    let lesson = course.lesson(slug).unwrap_or_else(|| panic!("no lesson {slug}"));
    let checked = check::runs(lesson, program, &isrlab::firmware::booted().unwrap(), &mut |_| true).unwrap();
    judge::verdict(lesson, &checked, Language::En)
}

#[test]
fn no_cheat_passes_and_each_is_told_why() {
    let course = isrlab::lessons::embedded().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cheats");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 50);
    assert!(course.lessons.iter().all(|lesson| lesson.exercise.driver.is_some()), "every exercise has a driver");
    let wrong = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    let try_some = || {
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
            let program = fs::read_to_string(file).unwrap();
            let expected = program.lines().next().unwrap().strip_prefix("# refused: ");
            let began = Instant::now();
            let verdict = checked(&course, name.split_once('@').unwrap().1, &program);
            eprintln!("{name} ({:.1?}): {:?}: {}", began.elapsed(), verdict.refused, verdict.message);
            if verdict.passed || verdict.refused != expected || verdict.message.is_empty() {
                let held: Vec<_> = verdict.criteria.iter().filter(|criterion| criterion.ok == Some(true)).collect();
                let what = format!("{name}: {:?}, not {expected:?}: {} {held:?}", verdict.refused, verdict.message);
                wrong.lock().unwrap().push(what);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(try_some);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_does_all_that_the_driver_asks_is_a_solution() {
    // No conditional, no loop, and a sum of its own for each side.
    let program = "
main = isr = 0

def tick(t):
    global isr
    isr += 1

def main_part(n):
    global main
    main += n

def total():
    return main + isr
";
    let verdict = checked(&isrlab::lessons::embedded().unwrap(), "lost-update", program);
    assert!(verdict.passed, "{verdict:?}");
}

#[test]
fn who_watches_sees_what_the_board_reports() {
    let course = isrlab::lessons::embedded().unwrap();
    let boards = isrlab::firmware::booted().unwrap();
    for (slug, names) in [
        ("lost-update", &["fired", "missed", "ran", "dropped", "disabled", "main", "main_adds", "count", "exc"][..]),
        ("how-late", &["fired", "missed", "ran", "dropped", "main", "sums", "wrong"]),
        ("lost-bytes", &["fired", "ran", "dropped", "main", "consumed", "produced", "gaps"]),
    ] {
        let lesson = course.lesson(slug).unwrap();
        for run in &lesson.exercise.runs {
            let request = workbench::record::RunRequest {
                lesson: slug.to_owned(),
                program: lesson.solution.clone(),
                own_program: true,
                driver: lesson.exercise.driver.clone(),
                settings: lesson.settings(&run.set).unwrap(),
                seconds: 1,
                seed: 3,
                wiring: lesson.wiring.clone(),
            };
            let mut record = boards.run(&request, &mut |_| true).unwrap();
            let seen = record.numbers();
            record.seen = None;
            let reported = record.numbers();
            for name in names {
                assert_eq!(seen.get(*name), reported.get(*name), "{slug} {}: {name}", run.id);
            }
            // The witness looks where the callback begins, the board a few instructions later: now and then an interrupt
            // comes between the two.
            for (name, most) in [("lat_min", 3), ("lat_max", 15)] {
                let [seen, reported] = [&seen, &reported].map(|numbers| numbers[name].as_i64().unwrap());
                assert!((seen - reported).abs() <= most, "{slug}: {name}: {seen} and {reported} us");
            }
        }
    }
}
