//! What the lessons teach, asked of their own solutions: no `schedule` without a guard where a hard
//! run checks it, and no update by two sides. (That nothing is allocated is seen when they run.)
//!
//! The programs are read line by line and not parsed: a solution is short, and a rule that misses
//! a clever way to break it is still a rule for the others.

use std::collections::BTreeSet;

use super::lesson::{Kind, Lesson};
use super::settings::Setting;

/// Whether the exercise is checked with hard callbacks.
fn checks_hard(lesson: &Lesson) -> bool {
    let hard = |value: Option<&Setting>| value == Some(&Setting::Text("hard".to_owned()));
    lesson.kinds.contains(&Kind::Hard) && lesson.exercise.runs.iter().any(|run| hard(run.set.get("kind")))
}

/// The line of a solution that calls `schedule` outside `try`, in a lesson whose check has a hard run.
pub(super) fn unguarded_schedule(lesson: &Lesson) -> Option<usize> {
    if !checks_hard(lesson) {
        return None;
    }
    let lines: Vec<&str> = lesson.solution.lines().collect();
    (0..lines.len()).find_map(|at| {
        let line = lines.get(at)?;
        let called = code(line).trim_start();
        if !called.starts_with("schedule(") && !called.starts_with("micropython.schedule(") {
            return None;
        }
        let mut inside = depth(line);
        let guarded = lines[..at].iter().rev().filter(|before| !before.trim().is_empty()).any(|before| {
            let opens = depth(before) < inside;
            inside = inside.min(depth(before));
            opens && before.trim() == "try:"
        });
        (!guarded).then_some(at + 1)
    })
}

/// A variable that main updates while a callback writes it too, and the line of main's update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TwoWriters {
    pub(super) name: String,
    pub(super) line: usize,
}

/// The first variable of a program that is written by a callback, and read, changed and written back by main with
/// interrupts on. A plain store (a flag taken back) is no update. Whoever holds a lock that the callback looks at may update.
/// Where the exercise has a driver, callbacks are what it makes one, and the program's own lines run before them all.
pub(super) fn two_writers(program: &str, driver: Option<&str>) -> Option<TwoWriters> {
    let lines: Vec<&str> = program.lines().map(code).collect();
    let functions = functions(&lines);
    let mut named: BTreeSet<&str> = lines.iter().flat_map(|line| named_callback(line)).collect();
    let began = lines.iter().position(|line| named_callback(line).next().is_some());
    named.extend(driver.iter().flat_map(|driver| driven_callbacks(driver)));
    if named.is_empty() {
        return None;
    }
    let began = began.unwrap_or(lines.len());
    let callbacks = (0..functions.len()).filter(|&function| named.contains(functions[function].name)).collect();
    let in_callbacks = reached(&lines, &functions, callbacks);
    let written: Vec<Write<'_>> = (0..lines.len()).flat_map(|at| writes(&lines, &functions, at)).collect();
    let from_callback = |write: &Write<'_>| write.function.is_some_and(|function| in_callbacks.contains(&function));
    let theirs: BTreeSet<&str> = written.iter().filter(|write| from_callback(write)).map(|write| write.name).collect();
    written
        .iter()
        .filter(|write| !from_callback(write) && (write.function.is_some() || write.at > began))
        .filter(|write| write.updates && theirs.contains(write.name))
        .find(|write| {
            let start = write.function.map_or(0, |function| functions[function].start);
            !is_guarded(&lines, start, write.at, &in_callbacks, &functions)
        })
        .map(|write| TwoWriters { name: write.name.to_owned(), line: write.at + 1 })
}

fn code(line: &str) -> &str {
    line.split('#').next().unwrap_or_default().trim_end()
}

fn depth(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A function: its name, the line of its `def`, and the line after its last.
struct Function<'p> {
    name: &'p str,
    start: usize,
    end: usize,
}

fn functions<'p>(lines: &[&'p str]) -> Vec<Function<'p>> {
    let def = |line: &'p str| {
        let head = line.trim_start();
        let head = head.strip_prefix("async ").unwrap_or(head).strip_prefix("def ")?;
        head.split('(').next()
    };
    let found = lines.iter().enumerate().filter_map(|(start, line)| {
        let name = def(line)?;
        let deeper = |other: &&str| other.trim().is_empty() || depth(other) > depth(line);
        let length = lines[start + 1..].iter().take_while(|other| deeper(other)).count();
        Some(Function { name, start, end: start + 1 + length })
    });
    found.collect()
}

/// The function given to an interrupt on this line.
fn named_callback(line: &str) -> impl Iterator<Item = &str> {
    ["lab.timer(", "callback=", ".irq(", "handler="].into_iter().filter_map(|opening| {
        let (_, given) = line.split_once(opening)?;
        given.trim_start().split(|c: char| !is_name(c)).next().filter(|name| !name.is_empty())
    })
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The functions of the program that a driver's timers call: by themselves, or out of a callback of the driver.
fn driven_callbacks(driver: &str) -> BTreeSet<&str> {
    let lines: Vec<&str> = driver.lines().map(code).collect();
    let mut named = BTreeSet::new();
    for line in &lines {
        let given = [" timer(", "callback="].into_iter().find_map(|opening| Some(line.split_once(opening)?.1));
        let Some(given) = given else { continue };
        if let Some(quoted) = given.strip_prefix("program[\"") {
            named.extend(quoted.split('"').next());
        } else {
            named.extend(given.split(|c: char| !is_name(c)).next());
        }
    }
    let functions = functions(&lines);
    let own = functions.iter().filter(|function| named.contains(function.name));
    let called = own.flat_map(|function| &lines[function.start + 1..function.end]).flat_map(|line| {
        let pieces: Vec<&str> = line.split('(').collect();
        let calls = pieces[..pieces.len() - 1].iter().filter_map(|piece| piece.rsplit(|c: char| !is_name(c)).next());
        calls.filter(|name| !name.is_empty()).collect::<Vec<_>>()
    });
    let called: Vec<&str> = called.collect();
    named.extend(called);
    named
}

/// These functions, and all that they call.
fn reached(lines: &[&str], functions: &[Function<'_>], mut open: Vec<usize>) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    while let Some(function) = open.pop() {
        if reached.insert(function) {
            let body = &lines[functions[function].start + 1..functions[function].end];
            let calls = |other: &Function<'_>| body.iter().any(|line| line.contains(&format!("{}(", other.name)));
            open.extend((0..functions.len()).filter(|&other| calls(&functions[other])));
        }
    }
    reached
}

/// An assignment to a variable of the module.
struct Write<'p> {
    name: &'p str,
    at: usize,
    function: Option<usize>,
    updates: bool,
}

fn writes<'p>(lines: &[&'p str], functions: &[Function<'p>], at: usize) -> Vec<Write<'p>> {
    let line = lines[at].trim_start();
    let name_end = line.find(|c: char| !is_name(c)).unwrap_or(line.len());
    let (name, rest) = line.split_at(name_end);
    let rest = rest.trim_start();
    let augmented =
        rest.get(..2).is_some_and(|sign| sign.ends_with('=') && sign.starts_with(['+', '-', '*', '/', '|', '&', '^']));
    let plain = rest.starts_with('=') && !rest.starts_with("==");
    if name.is_empty() || !(augmented || plain) {
        return Vec::new();
    }
    let targets: Vec<&str> = if augmented {
        vec![name]
    } else {
        // `a = b = 0` stores into both; the last piece is the value.
        let mut pieces: Vec<&str> = line.split('=').map(str::trim).collect();
        pieces.pop();
        pieces.into_iter().filter(|piece| !piece.is_empty() && piece.chars().all(is_name)).collect()
    };
    let value = line.rsplit('=').next().unwrap_or_default();
    let function = (0..functions.len()).rfind(|&f| functions[f].start < at && at < functions[f].end);
    let global = |name: &str| {
        function.is_none_or(|function| {
            let body = &lines[functions[function].start + 1..functions[function].end];
            let declared = body.iter().filter_map(|line| line.trim_start().strip_prefix("global "));
            declared.flat_map(|names| names.split(',')).any(|declared| declared.trim() == name)
        })
    };
    let updates = |name: &str| augmented || value.split(|c: char| !is_name(c)).any(|word| word == name);
    let targets = targets.into_iter().filter(|name| global(name));
    targets.map(|name| Write { name, at, function, updates: updates(name) }).collect()
}

/// Whether interrupts are off at this line, or a lock is held that a callback looks at.
fn is_guarded(
    lines: &[&str],
    start: usize,
    at: usize,
    in_callbacks: &BTreeSet<usize>,
    functions: &[Function<'_>],
) -> bool {
    let mut released = BTreeSet::new();
    for line in lines[start..at].iter().rev() {
        if line.contains("unlock(") || line.contains("enable_irq(") {
            return false;
        }
        if line.contains("lock(") || line.contains("disable_irq(") {
            return true;
        }
        if let Some(flag) = line.trim().strip_suffix(" = False") {
            released.insert(flag);
        }
        if let Some(flag) = line.trim().strip_suffix(" = True").filter(|flag| !released.contains(flag)) {
            let looks = |function: &usize| {
                let body = &lines[functions[*function].start + 1..functions[*function].end];
                body.iter().any(|line| line.trim_start().starts_with("if ") && line.contains(flag))
            };
            if in_callbacks.iter().any(looks) {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Course;

    fn driver(lesson: &Lesson) -> Option<&str> {
        lesson.exercise.driver.as_ref().map(|driver| &driver.text[..])
    }

    #[test]
    fn no_solution_breaks_a_rule_and_the_starters_do() {
        let course = Course::ours();
        for lesson in &course.lessons {
            assert_eq!(unguarded_schedule(lesson), None, "{}", lesson.id);
            assert_eq!(two_writers(&lesson.solution, driver(lesson)), None, "{}", lesson.id);
        }
        let lesson = course.lesson("lost-update").unwrap();
        let found = two_writers(&lesson.starter, driver(lesson));
        assert_eq!(found.map(|found| found.name).as_deref(), Some("count"));
    }

    #[test]
    fn a_driver_says_what_is_a_callback() {
        let driver = "def event(t):\n    x = read()\n\nalarm = timer(event)\nother.init(freq=9, callback=program[\"write\"], hard=hard())\nlook()\n";
        let named = driven_callbacks(driver);
        assert!(named.contains("read") && named.contains("write") && !named.contains("look"), "{named:?}");
        let program = "n = 0\n\ndef read():\n    global n\n    n += 1\n\ndef look():\n    global n\n    n -= 1\n";
        assert_eq!(two_writers(program, Some(driver)), Some(TwoWriters { name: "n".to_owned(), line: 9 }));
        assert_eq!(two_writers(program, None), None);
    }

    #[test]
    fn a_solution_that_schedules_unguarded_is_found() {
        let course = Course::ours();
        let mut lesson = course.lesson("queue-of-eight").unwrap().clone();
        lesson.solution = "def tick(t):\n    schedule(work, 0)\n".to_owned();
        assert_eq!(unguarded_schedule(&lesson), Some(2));
        lesson.solution =
            "def tick(t):\n    try:\n        f()\n    except RuntimeError:\n        pass\n    schedule(work, 0)\n"
                .to_owned();
        assert_eq!(unguarded_schedule(&lesson), Some(6));
    }

    /// A program with a callback `tick` that counts, and this in main.
    fn main(body: &str) -> Option<TwoWriters> {
        two_writers(
            &format!(
                "n = 0\nlocked = False\n\ndef tick(t):\n    global n\n    if locked:\n        return\n    n += 1\n\ndef look():\n    global n, locked\n{body}\nlab.timer(tick)\n"
            ),
            None,
        )
    }

    #[test]
    fn an_update_by_both_sides_is_found_and_a_guarded_one_is_not() {
        let found = Some(TwoWriters { name: "n".to_owned(), line: 12 });
        assert_eq!(main("    n -= 1"), found);
        assert_eq!(main("    n = n - 1"), found);
        assert_eq!(main("    m = n = 0"), None);
        assert_eq!(main("    state = lab.lock()\n    n -= 1\n    lab.unlock(state)"), None);
        assert_eq!(main("    locked = True\n    n -= 1\n    locked = False"), None);
        let after = Some(TwoWriters { name: "n".to_owned(), line: 14 });
        assert_eq!(main("    state = lab.lock()\n    lab.unlock(state)\n    n -= 1"), after);
        assert_eq!(main("    locked = True\n    locked = False\n    n -= 1"), after);
    }

    proptest! {
        #[test]
        fn any_program_can_be_read(program in "(def f\\(x\\):\n|    |global n\n|n \\+= 1\n|n = n\n|lab.timer\\(f\\)\n|=|\\(|é|#|\n){0,40}") {
            let _ = two_writers(&program, None);
        }
    }
}
