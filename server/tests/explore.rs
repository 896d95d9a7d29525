//! The race explorer on the course: what every lesson says of its settings, and of its exercise.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

use course::{Lesson, Setting, Settings};
use explorer::outcome::Verdict;
use isrlab::threads::Threads;
use workbench::explore::{self, Counts, ExploreError, ExploreRequest, Loss, Report};
use workbench::headless::Boards as _;
use workbench::record::RunRequest;

const SEED: u64 = 1;

fn explored(lesson: &Lesson, set: &Settings, program: Option<&str>) -> Result<Report, ExploreError> {
    let request = ExploreRequest {
        program: program.unwrap_or(&lesson.program).to_owned(),
        exercise: program.is_some(),
        settings: lesson.settings(set).unwrap(),
        seed: SEED,
    };
    explore::open(lesson, request, &isrlab::firmware::booted().unwrap())?.try_all(&Threads, &|_| true)
}

/// A program for the exercise, in every run that the exercise has.
fn exercise(lesson: &Lesson, program: &str) -> Vec<Counts> {
    let runs = lesson.exercise.runs.iter();
    runs.map(|run| explored(lesson, &run.set, Some(program)).unwrap().in_window()).collect()
}

#[test]
fn every_case_loses_where_its_lesson_says() {
    let course = isrlab::lessons::embedded().unwrap();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for lesson in &course.lessons {
        for case in lesson.explorer.iter().flat_map(|explorer| &explorer.cases) {
            cases += 1;
            match explored(lesson, &case.set, None) {
                Ok(report) if report.agrees_with(case.losing) && report.in_window().broken == 0 => {}
                Ok(report) => wrong.push(format!(
                    "{} {:?}: {:?}, not {:?}; {:?} in the statement, {:?} in the window",
                    lesson.slug,
                    case.set,
                    report.structure(),
                    case.losing,
                    report.in_statement(),
                    report.in_window(),
                )),
                Err(error) => wrong.push(format!("{} {:?}: {error}", lesson.slug, case.set)),
            }
        }
    }
    assert!(cases > 10 && wrong.is_empty(), "{cases} cases; {wrong:#?}");
}

#[test]
fn a_solution_survives_every_arrival_and_a_starter_does_not() {
    let course = isrlab::lessons::embedded().unwrap();
    for lesson in course.lessons.iter().filter(|lesson| lesson.checks_arrivals()) {
        let solution = exercise(lesson, &lesson.solution);
        assert!(solution.iter().all(|counts| counts.kept == counts.tried), "{}: {solution:?}", lesson.slug);
        let starter = exercise(lesson, &lesson.starter);
        assert!(starter.iter().any(|counts| counts.lost > 0), "{}: {starter:?}", lesson.slug);
    }
}

/// What the explorer finds of a program in each run of its exercise.
fn losses(lesson: &Lesson, program: &str) -> Vec<(String, Option<Loss>)> {
    let runs = lesson.exercise.runs.iter();
    runs.map(|run| (run.id.clone(), explored(lesson, &run.set, Some(program)).unwrap().shortest_loss().cloned()))
        .collect()
}

#[test]
fn every_wrong_fix_is_convicted_by_an_arrival_that_plays_again() {
    let course = isrlab::lessons::embedded().unwrap();
    let boards = isrlab::firmware::booted().unwrap();
    for lesson in course.lessons.iter().filter(|lesson| lesson.checks_arrivals()) {
        for wrong in &lesson.exercise.wrong {
            let program = &lesson.wrong[&wrong.file];
            let run = lesson.exercise.runs.iter().find(|run| run.id == wrong.fails).unwrap();
            let request = ExploreRequest {
                program: program.clone(),
                exercise: true,
                settings: lesson.settings(&run.set).unwrap(),
                seed: SEED,
            };
            let name = format!("{} {}", lesson.slug, wrong.file);
            let report = explore::open(lesson, request.clone(), &boards).unwrap().try_all(&Threads, &|_| true).unwrap();
            let Some(loss) = report.shortest_loss() else {
                assert!(wrong.survives_arrivals, "{name}: no arrival loses");
                continue;
            };
            assert!(!wrong.survives_arrivals, "{name}: {}", loss.sentence.en);
            // The word alone is enough: the program is in it.
            let recipe = explore::recipe(&course, &boards.version().firmware, &loss.replay.word, None).unwrap();
            assert_eq!((&recipe.request, recipe.at), (&request, loss.replay.at), "{name}");
            let mut again = explore::open(recipe.lesson, recipe.request, &boards).unwrap();
            let played = again.play(recipe.at, recipe.second).unwrap();
            assert_eq!((&played.word, played.verdict), (&loss.replay.word, loss.verdict), "{name}");
            // The values are in the sentence; those of the replay are the same.
            let values: Vec<_> = played.values.iter().map(|(value, number)| format!("{value} = {number}")).collect();
            assert!(loss.sentence.en.contains(&values.join(", ")), "{name}: {} {values:?}", loss.sentence.en);
            assert!(loss.sentence.ja.contains(&values.join(", ")), "{name}: {}", loss.sentence.ja);
        }
    }
}

#[test]
fn other_right_fixes_survive_every_arrival() {
    let course = isrlab::lessons::embedded().unwrap();
    // The jump is out of the way before interrupts go off: right in soft and in hard mode.
    let lesson = course.lesson("lost-update").unwrap();
    let statement = "        count += 1 if flag else 2\n";
    assert!(lesson.starter.contains(statement));
    let guarded = "        step = 1 if flag else 2\n        state = disable_irq()\n        count += step\n        enable_irq(state)\n";
    let program = lesson.starter.replace(statement, guarded);
    let program = format!("from machine import disable_irq, enable_irq\n\n{program}");
    for (run, loss) in losses(lesson, &program) {
        assert_eq!(loss, None, "guarded addition, {run}");
    }
    // Counting down has no jump, and interrupts are off: right as well.
    let lesson = course.lesson("lost-bytes").unwrap();
    let guarded = "        state = disable_irq()\n        navail -= 1\n        enable_irq(state)\n";
    let program = lesson.wrong["decrement.py"].replace("        navail -= 1\n", guarded);
    let program = format!("from machine import disable_irq, enable_irq\n\n{program}");
    for (run, loss) in losses(lesson, &program) {
        assert_eq!(loss, None, "guarded decrement, {run}");
    }
}

#[test]
fn a_losing_arrival_plays_again() {
    let course = isrlab::lessons::embedded().unwrap();
    let lesson = course.lesson("lost-update").unwrap();
    let request = ExploreRequest {
        program: lesson.starter.clone(),
        exercise: true,
        settings: lesson.settings(&lesson.exercise.runs[0].set).unwrap(),
        seed: SEED,
    };
    let boards = isrlab::firmware::booted().unwrap();
    let mut exploration = explore::open(lesson, request.clone(), &boards).unwrap();
    let report = exploration.try_all(&Threads, &|_| true).unwrap();
    let loss = report.first_loss().expect("the starter loses").clone();
    let mut again = explore::open(lesson, request, &boards).unwrap();
    assert_eq!(again.replay(loss.at, None), loss);
    let played = serde_json::to_value(again.play(loss.at, None).unwrap()).unwrap();
    assert_eq!(played["verdict"], "lost", "{played}");
}

#[test]
fn an_exploration_can_be_given_up() {
    let course = isrlab::lessons::embedded().unwrap();
    let lesson = course.lesson("lost-update").unwrap();
    let settings = lesson.settings(&Settings::new()).unwrap();
    let request = ExploreRequest { program: lesson.program.clone(), exercise: false, settings, seed: SEED };
    let mut exploration = explore::open(lesson, request, &isrlab::firmware::booted().unwrap()).unwrap();
    assert!(matches!(exploration.try_all(&Threads, &|done| done < 10), Err(ExploreError::Cancelled)));
}

#[test]
fn programs_that_cannot_be_explored_are_refused() {
    let course = isrlab::lessons::embedded().unwrap();
    let lesson = course.lesson("lost-update").unwrap();
    let refusal = |program: &str| explored(lesson, &Settings::new(), Some(program)).unwrap_err().code();
    assert_eq!(refusal("def main_part(n:\n"), "program_failed");
    assert_eq!(refusal("1 // 0\n"), "program_failed");
    // The driver calls `main_part`, which is not there.
    assert_eq!(refusal("import lab\n"), "no_mark");
    let long = format!("{}\ndef main_part(n):\n    for i in range(20000): pass\n", lesson.starter);
    assert_eq!(refusal(&long), "window_too_long");
    let lesson = course.lesson("how-late").unwrap();
    assert_eq!(explored(lesson, &Settings::new(), None).unwrap_err().code(), "no_window");
}

/// The share that is foretold for a program, and the share of updates that it loses when it runs freely with telemetry.
#[track_caller]
fn foretold_is_measured(kind: &str, expression: &str, edit: &dyn Fn(&str) -> String, most: f64) {
    let course = isrlab::lessons::embedded().unwrap();
    let boards = isrlab::firmware::booted().unwrap();
    let lesson = course.lesson("lost-update").unwrap();
    let text = |text: &str| Setting::Text(text.into());
    let settings = |rate: i64| {
        let set = [("kind", text(kind)), ("expression", text(expression)), ("rate", Setting::Number(rate))];
        let set: Settings = set.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        lesson.settings(&set).unwrap()
    };
    let program = edit(&lesson.program);
    let request = ExploreRequest { program: program.clone(), exercise: false, settings: settings(2000), seed: SEED };
    let share = explore::share(lesson, &request, &boards, &|| true).unwrap().expect("a share");
    // Where the alarms fall in the loop depends on how its length and the timer's period go together: by a point and more.
    let (mut lost, mut adds) = (0.0, 0.0);
    for rate in (1411..2811).step_by(127) {
        let run = RunRequest {
            lesson: lesson.slug.clone(),
            program: program.clone(),
            own_program: false,
            driver: None,
            settings: settings(rate),
            seconds: 2,
            seed: SEED,
            wiring: lesson.wiring.clone(),
        };
        let numbers = boards.run(&run, &mut |_| true).unwrap().numbers();
        lost += numbers["lost"].as_f64().unwrap();
        adds += numbers["isr_adds"].as_f64().unwrap();
    }
    let measured = lost / adds;
    assert!(adds > 45_000.0, "{adds}");
    assert!((share.share - measured).abs() < most, "{kind} {expression}: {share:?}, measured {measured}");
    eprintln!("{kind} {expression}: foretold {:.1} %, measured {:.1} %", 100.0 * share.share, 100.0 * measured);
}

#[test]
fn the_foretold_share_is_the_measured_one() {
    for (kind, expression) in [("hard", "plain"), ("hard", "conditional"), ("soft", "conditional")] {
        foretold_is_measured(kind, expression, &str::to_owned, 0.02);
    }
}

/// The lesson's program says what became of an update that an interrupt met, which takes time that no run without interrupts
/// has. Of one that does not, the share is foretold to a point.
#[test]
fn the_share_of_a_program_that_tells_nothing_of_interrupts_is_foretold_to_a_point() {
    const TELLS: &str = "        (watched if is_plain else watched_conditional)(20)\n        main_adds += 20\n";
    let silent = |program: &str| {
        assert!(program.contains(TELLS));
        program.replace(TELLS, "        pass\n")
    };
    for expression in ["plain", "conditional"] {
        foretold_is_measured("hard", expression, &silent, 0.01);
    }
}

fn opened(slug: &str, kind: &str, own: &[(&str, &str)]) -> explore::Exploration {
    let course = isrlab::lessons::embedded().unwrap();
    let lesson = course.lesson(slug).unwrap();
    let set =
        own.iter().copied().chain([("kind", kind)]).map(|(name, value)| (name.to_owned(), Setting::Text(value.into())));
    let settings = lesson.settings(&set.collect()).unwrap();
    let request = ExploreRequest { program: lesson.program.clone(), exercise: false, settings, seed: SEED };
    explore::open(lesson, request, &isrlab::firmware::booted().unwrap()).unwrap()
}

#[test]
fn arrivals_that_cannot_differ_are_found_on_longer_windows_too() {
    for (kind, design) in [("hard", "decrement"), ("soft", "clear")] {
        let mut exploration = opened("lost-bytes", kind, &[("design", design)]);
        let (pruned, unsound) = exploration.pruned_verdicts();
        assert_eq!(unsound, None, "{kind} {design}");
        let all = exploration.verdicts();
        assert_eq!(pruned.len(), all.len());
        let differing = pruned.iter().zip(&all).position(|(pruned, all)| pruned != all);
        assert_eq!(differing, None, "{kind} {design}");
    }
}

#[test]
fn every_pair_of_interrupts_is_what_its_class_says() {
    let mut exploration = opened("lost-update", "hard", &[("expression", "plain")]);
    let pruned = exploration.pairs(true, &mut |_| true).unwrap();
    assert!(pruned.pruned, "{:?}", pruned.why);
    let all = exploration.pairs(false, &mut |_| true).unwrap();
    assert_eq!((pruned.counts, &pruned.first_loss), (all.counts, &all.first_loss));
    assert!(pruned.runs * 20 < all.runs, "{} runs for {}", pruned.runs, all.runs);
    // As many as there are ways to put two arrivals on 295 boundaries, in order.
    assert_eq!(all.counts.tried, 295 * 296 / 2);
    let loss = all.first_loss.expect("a pair that loses");
    let played = exploration.play(loss.at, loss.second).unwrap();
    assert_eq!((&played.word, played.verdict), (&loss.word, Verdict::Lost));
    // A soft callback has no way into a plain statement, and neither have two.
    let soft = opened("lost-update", "soft", &[("expression", "plain")]).pairs(true, &mut |_| true).unwrap();
    assert_eq!((soft.pruned, soft.counts.kept), (true, soft.counts.tried));
}

#[test]
fn too_many_pairs_are_refused_where_each_has_to_be_tried() {
    let mut exploration = opened("lost-bytes", "hard", &[("design", "clear")]);
    let error = exploration.pairs(false, &mut |_| true).unwrap_err();
    assert_eq!(error.code(), "too_many_pairs", "{error}");
}
