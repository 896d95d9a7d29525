//! The programs of the lesson map, section 6, on the board: every zero is zero, every "more than
//! zero" is, and every exception has the recorded type and text.

use std::collections::BTreeMap;

use firmware_tests::release::{Release, V1_26};
use firmware_tests::{Board, Outcome};

fn outcome(program: &str, timeout_ms: u64) -> Outcome {
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.run(program, timeout_ms)
}

/// Lines of words and numbers: the words before the first number name the row, then name and number alternate.
struct Rows(BTreeMap<String, BTreeMap<String, i64>>);

impl Rows {
    fn of(outcome: &Outcome) -> Self {
        assert_eq!(outcome.error, "", "the program raised; it had printed:\n{}", outcome.output);
        let mut rows = BTreeMap::new();
        for line in outcome.output.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            let Some(first) = words.iter().position(|word| word.parse::<i64>().is_ok()) else { continue };
            if first == 0 {
                continue;
            }
            let mut numbers = BTreeMap::new();
            for pair in words[first - 1..].chunks(2) {
                if let [name, number] = pair
                    && let Ok(number) = number.parse()
                {
                    numbers.insert((*name).to_owned(), number);
                }
            }
            rows.insert(words[..first - 1].join(" "), numbers);
        }
        Self(rows)
    }

    #[track_caller]
    fn number(&self, row: &str, name: &str) -> i64 {
        *self
            .0
            .get(row)
            .and_then(|numbers| numbers.get(name))
            .unwrap_or_else(|| panic!("no `{name}` in row `{row}` of {:#?}", self.0))
    }

    #[track_caller]
    fn zero(&self, row: &str, name: &str) {
        assert_eq!(self.number(row, name), 0, "{row} {name}");
    }

    #[track_caller]
    fn positive(&self, row: &str, name: &str) {
        assert!(self.number(row, name) > 0, "{row} {name} is {}", self.number(row, name));
    }

    #[track_caller]
    fn cell(&self, row: &str, name: &str, expected: &str) {
        match expected {
            "0" => self.zero(row, name),
            ">0" => self.positive(row, name),
            _ => panic!("`{expected}` is no expectation"),
        }
    }
}

#[test]
fn a_hard_callback_strikes_anywhere_and_a_soft_one_at_jumps() {
    let rows = Rows::of(&outcome(include_str!("programs/strike.py"), 20_000));
    for i in 0..10 {
        rows.positive("hard straight", &format!("H{i}"));
        rows.positive("hard branch", &format!("H{i}"));
        rows.cell("soft straight", &format!("H{i}"), if i == 9 { ">0" } else { "0" });
        rows.cell("soft branch", &format!("H{i}"), if i == 9 || i == 4 { ">0" } else { "0" });
        rows.cell("soft fixed", &format!("H{i}"), if i == 9 { ">0" } else { "0" });
    }
}

#[test]
fn the_grid_of_lost_updates() {
    let rows = Rows::of(&outcome(include_str!("programs/lost_update.py"), 60_000));
    let grid = [
        ("none", [">0", ">0", "0", ">0"]),
        ("disable", ["0", "0", "0", ">0"]),
        ("mutex", ["0", "0", "0", "0"]),
        ("own", ["0", "0", "0", "0"]),
        ("native", [">0", ">0", "0", "0"]),
        ("schedule", [">0", ">0", "0", "0"]),
    ];
    let columns = ["hard plain", "hard conditional", "soft plain", "soft conditional"];
    for (cure, cells) in grid {
        for (column, cell) in columns.iter().zip(cells) {
            let row = format!("{column} {cure}");
            rows.cell(&row, "lost", cell);
            rows.zero(&row, "unbalanced");
            rows.positive(&row, "isr");
        }
    }
    for column in ["hard plain", "hard conditional", "soft conditional"] {
        rows.positive(&format!("{column} mutex"), "skipped");
    }
    rows.zero("soft plain mutex", "skipped");
    rows.zero("handoff plain", "lost");
    rows.positive("handoff conditional", "lost");
}

#[test]
fn the_grid_of_torn_reads() {
    let rows = Rows::of(&outcome(include_str!("programs/torn_read.py"), 60_000));
    let grid = [
        ("none", [">0", ">0"]),
        ("disable", ["0", ">0"]),
        ("snapshot", [">0", "0"]),
        ("double", [">0", ">0"]),
        ("flag", ["0", "0"]),
    ];
    for (cure, cells) in grid {
        rows.cell(&format!("hard {cure}"), "torn", cells[0]);
        rows.cell(&format!("soft {cure}"), "torn", cells[1]);
    }
    rows.positive("hard flag", "deferred");
    rows.positive("soft flag", "deferred");
    rows.positive("pair hard", "torn");
    rows.zero("pair soft", "torn");
}

#[test]
fn the_emergency_buffer_decides_what_is_reported() {
    let outcome = outcome(include_str!("programs/emergency.py"), 5000);
    let header = "Uncaught exception in IRQ callback handler\n";
    let traceback = "Traceback (most recent call last):\n  File \"<stdin>\", line 10, in alloc\n";
    let mut expected = String::new();
    for (size, report) in [
        (0, "MemoryError: \n".to_owned()),
        (23, "MemoryError: \n".to_owned()),
        (24, format!("{traceback}MemoryError: \n")),
        (100, format!("{traceback}MemoryError: \n")),
        (125, format!("{traceback}MemoryError: \n")),
        (126, format!("{traceback}MemoryError: memory allocation failed, heap is locked\n")),
    ] {
        expected += &format!("size {size}\n{header}{report}");
    }
    expected += "saved: ZeroDivisionError('divide by zero',)\n";
    expected += "after a second, handled, exception: IndexError('array index out of range',)\n";
    assert_eq!(outcome.output, expected);
    assert_eq!(outcome.error, "");
}

#[test]
fn the_table_of_what_allocates() {
    let outcome = outcome(include_str!("programs/allocates.py"), 5000);
    assert_eq!(outcome.error, "");
    let expected = "int_add_store ok\nfor_range ok\nfor_array ok\nenumerate MemoryError\nfloat_compare ok\n\
        float_multiply MemoryError\nfloat_store ok\nfloat_read MemoryError\nbig_int MemoryError\nappend_4_new ok\n\
        append_full MemoryError\ndict_value ok\ndict_new_key MemoryError\nnew_globals MemoryError\n\
        list_literal MemoryError\ntuple MemoryError\nslice MemoryError\nconcat MemoryError\nformat MemoryError\n\
        lambda MemoryError\ngenerator MemoryError\ncall_method ok\ntake_method MemoryError\nraise_builtin ValueError\n\
        raise_own MemoryError\nraise_pre Own\n5\nprint ok\n";
    assert_eq!(outcome.output, expected);
}

#[test]
fn storing_into_a_slice_allocates_only_in_older_releases() {
    let outcome = outcome(
        "import lab\nba = bytearray(4)\ndef store(x):\n    try:\n        ba[0:2] = b'xy'\n    \
         except MemoryError:\n        lab.value('refused', 1)\nlab.fire(store, 0)\nprint(ba)\n",
        5000,
    );
    assert_eq!(outcome.error, "");
    let stored = if Release::of_the_firmware() >= V1_26 { "xy" } else { "\\x00\\x00" };
    assert_eq!(outcome.output, format!("bytearray(b'{stored}\\x00\\x00')\n"));
}

#[test]
fn the_queue_holds_eight_and_runs_one_at_a_safe_point() {
    let outcome = outcome(include_str!("programs/queue.py"), 5000);
    assert_eq!(outcome.error, "");
    let expected = "((True, True, True, True, True, True, True, True, False, False), 8)\n\
        RuntimeError('schedule queue full',)\n\
        one callback per safe point: ['a', 'b', 0, 'c', 1, 2, 3]\n\
        ['outer-start', 'outer-end', 'inner']\n\
        Traceback (most recent call last):\n  File \"<stdin>\", line 70, in leave\nSystemExit: 3\n\
        main goes on after sys.exit() in a scheduled function\n\
        Traceback (most recent call last):\n  File \"<stdin>\", line 80, in build\n\
        MemoryError: memory allocation failed, heap is locked\n";
    assert_eq!(outcome.output, expected);
}

#[test]
fn an_exception_ends_a_hard_callback_and_not_a_soft_one() {
    let outcome = outcome(include_str!("programs/exceptions.py"), 20_000);
    let traceback = "Traceback (most recent call last):\n  File \"<stdin>\", line 18, in cb\n\
        ZeroDivisionError: divide by zero\n";
    let hard = format!("Uncaught exception in IRQ callback handler\n{traceback}hard ran 3 disabled 1\n");
    assert!(outcome.output.starts_with(&format!("{hard}{traceback}soft ran ")), "{}", outcome.output);
    assert!(
        outcome.output.contains(
            "Uncaught exception in IRQ callback handler\nTraceback (most recent call last):\n  \
             File \"<stdin>\", line 38, in h1\nRuntimeError: schedule queue full\n"
        ),
        "{}",
        outcome.output
    );
    let nothing = "TypeError: 'NoneType' object isn't callable\n";
    assert_eq!(outcome.output.matches(nothing).count(), 3, "{}", outcome.output);
    let rows = Rows::of(&outcome);
    assert!(rows.number("soft", "ran") >= 19);
    rows.zero("soft", "disabled");
    assert_eq!(rows.number("unguarded", "disabled"), 1);
    rows.positive("guarded", "overflow");
    assert_eq!(rows.number("guarded", "isr"), rows.number("guarded", "overflow") + rows.number("guarded", "handled"));
    assert_eq!(rows.number("pending", "isr"), rows.number("pending", "got"));
    rows.zero("pending", "disabled");
    assert!(rows.number("pending", "calls") < rows.number("pending", "isr"));
}

#[test]
fn bytes_are_lost_where_a_count_is_shared() {
    let rows = Rows::of(&outcome(include_str!("programs/lost_bytes.py"), 60_000));
    let grid = [("document", [">0", ">0"]), ("disable", ["0", ">0"]), ("decrement", [">0", "0"]), ("ring", ["0", "0"])];
    for (design, cells) in grid {
        rows.cell(&format!("hard {design}"), "lost", cells[0]);
        rows.cell(&format!("soft {design}"), "lost", cells[1]);
    }
    rows.positive("rehash hard", "errors");
    rows.zero("rehash soft", "errors");
    rows.zero("values hard", "errors");
}

#[test]
fn shared_buffers_generators_priorities_and_bound_methods() {
    let outcome = outcome(include_str!("programs/reentrancy.py"), 60_000);
    let rows = Rows::of(&outcome);
    rows.positive("volume hard straight", "wrong");
    rows.positive("volume hard branch", "wrong");
    rows.zero("volume soft straight", "wrong");
    rows.positive("volume soft branch", "wrong");
    rows.positive("generator hard", "errors");
    rows.positive("generator soft", "errors");
    assert_eq!(outcome.output.matches(" ValueError\n").count(), 2, "{}", outcome.output);
    let torn: Vec<(&str, bool)> = outcome
        .output
        .lines()
        .filter_map(|line| line.strip_prefix("priorities "))
        .filter_map(|line| line.split_once(" low ").map(|(setting, rest)| (setting, !rest.ends_with("torn 0"))))
        // With the writer above the reader it depends on the phase whether it ever comes between the reader's two loads.
        .filter(|(setting, _)| *setting != "hard 2 1")
        .collect();
    assert_eq!(torn, [("hard 1 2", true), ("hard 1 1", false), ("soft 1 2", false)]);
    let methods = "== isr_bad\nUncaught exception in IRQ callback handler\nTraceback (most recent call last):\n  \
        File \"<stdin>\", line 128, in isr_bad\nMemoryError: memory allocation failed, heap is locked\n   \
        returned False ran 0\n== isr_ref\n   returned True ran 1\n== isr_cls\n\
        TypeError: bar() takes 2 positional arguments but 1 were given\n   returned True ran 0\n\
        == isr_cls1\n   returned True ran 1\n== isr_call\n   returned True ran 1\n";
    assert!(outcome.output.contains(methods), "{}", outcome.output);
    // Each counts the alarms of its own timer and no other's. The sleep of 100 ms begins after the first timer
    // does and ends up to a millisecond late, because waiting is in milliseconds: the 101st alarm may come before.
    let a = rows.number("instances", "a");
    assert!((100..=101).contains(&a), "{a}");
    let instances = format!("instances a {a} fired {a} b 40 fired 40\n");
    assert!(outcome.output.contains(&instances), "{instances} in {}", outcome.output);
}

#[test]
fn soft_callbacks_starve_and_hard_ones_take_their_share() {
    let rows = Rows::of(&outcome(include_str!("programs/starvation.py"), 60_000));
    for what in ["sort", "sum", "native"] {
        let row = format!("starve {what}");
        rows.positive(&row, "dropped");
        assert!(rows.number(&row, "ran") <= 8, "{what}");
        assert!(rows.number(&row, "queued") >= 7, "{what}");
    }
    rows.zero("starve bytecode", "dropped");
    assert!(rows.number("starve bytecode", "ran") > 8);
    for row in
        ["load hard 10us", "load hard 200us", "load hard 800us", "load soft 10us", "load soft 200us", "load soft 800us"]
    {
        rows.zero(row, "missed");
        rows.zero(row, "dropped");
        assert!((148..=151).contains(&rows.number(row, "fired")), "{row}");
        rows.positive(row, "loops");
    }
    rows.positive("load soft 1500us", "dropped");
    rows.positive("load soft 1500us", "loops");
    for kind in ["hard", "soft"] {
        let loops = |length: u32| rows.number(&format!("load {kind} {length}us"), "loops");
        assert!(loops(10) > loops(200) && loops(200) > loops(800), "{kind}");
    }
}

#[test]
fn asyncio_is_woken_in_time_by_a_thread_safe_flag_only() {
    let outcome = outcome(include_str!("programs/awaiting.py"), 30_000);
    assert_eq!(outcome.error, "", "{}", outcome.output);
    let mut late = BTreeMap::new();
    let mut scenario = "";
    for line in outcome.output.lines() {
        if let Some(ms) = line.strip_prefix("  late_ms ") {
            late.insert(scenario, ms.parse::<i64>().unwrap());
        } else {
            scenario = line;
        }
    }
    for scenario in ["soft create_task", "soft event", "hard event"] {
        assert!((450..550).contains(&late[scenario]), "{scenario}: {late:?}");
    }
    for scenario in ["soft flag", "hard flag"] {
        assert!(late[scenario] < 5, "{scenario}: {late:?}");
    }
    assert!(
        outcome.output.contains(
            "hard create_task\nUncaught exception in IRQ callback handler\nTraceback (most recent call last):\n  \
             File \"<stdin>\", line 29, in cb\n"
        ),
        "{}",
        outcome.output
    );
    let rows = Rows::of(&outcome);
    // The sleep of 500 ms ends late: by up to a millisecond, and by the steps of the loop that come before.
    let (sets, wakeups) = (rows.number("coalesced", "sets"), rows.number("coalesced", "wakeups"));
    assert!((495..=502).contains(&sets), "{sets}");
    assert!((80..=100).contains(&wakeups), "{wakeups}");
}

#[test]
fn the_rest_of_the_recorded_semantics() {
    let outcome = outcome(include_str!("programs/semantics.py"), 30_000);
    let rows = Rows::of(&outcome);
    rows.positive("clock", "impossible");
    let fragments = "Uncaught exception in IRQ callback handler\n\
        TypeError: cb() takes 0 positional arguments but 1 were given\nfirst False\n\
        Uncaught exception in IRQ callback handler\nTraceback (most recent call last):\n  \
        File \"<string>\", line 8, in cb\nNameError: local variable referenced before assignment\nsecond False\n";
    assert!(outcome.output.contains(fragments), "{}", outcome.output);
    let document = "alarm 0 True\nalarm 1 True\nalarm 2 True\nUncaught exception in IRQ callback handler\n\
        Traceback (most recent call last):\n  File \"<stdin>\", line 81, in callback1\n\
        MemoryError: memory allocation failed, heap is locked\nalarm 3 False\n";
    assert!(outcome.output.contains(document), "{}", outcome.output);
    assert_eq!(outcome.output.matches("BoundsException: Array bounds exceeded\n").count(), 1);
    assert_eq!(outcome.output.matches("IndexError: array index out of range\n").count(), 2);
    assert_eq!(rows.number("document soft", "ran"), 6);
    rows.zero("document soft", "disabled");
    assert_eq!(rows.number("wall hard", "below"), 1);
    assert_eq!(rows.number("wall hard", "disabled"), 1);
    assert_eq!(rows.number("wall down", "above"), 0);
    assert_eq!(rows.number("wall down", "disabled"), 1);
    assert_eq!(rows.number("wall soft", "beyond"), rows.number("wall soft", "ran") - 2);
    rows.zero("wall soft", "disabled");
    rows.zero("filter", "disabled");
    assert!((980..=1000).contains(&rows.number("filter", "y")));
    assert!(outcome.output.contains("deinit queued_ran (8, 0)\n"), "{}", outcome.output);
    assert_eq!(rows.number("after", "ran"), 8);
    for (k, queued, dropped) in [(3, 3, 0), (8, 8, 0), (12, 8, 4)] {
        let line = format!("burst {k} queued {queued} ran {queued} dropped {dropped}\n");
        assert!(outcome.output.contains(&line), "{line} in {}", outcome.output);
    }
    for line in outcome.output.lines().filter_map(|line| line.strip_prefix("section ")) {
        let numbers: Vec<i64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [w, sections, expected, fired, missed] = numbers[..] else { panic!("{line}") };
        assert_eq!(expected, fired + missed, "{line}");
        if w == 3500 {
            assert!((fired - sections).abs() <= 2 && missed > 0, "{line}");
        } else {
            assert_eq!(missed, 0, "{line}");
        }
    }
}

#[test]
fn the_collector_and_references_that_a_hard_callback_moves() {
    let outcome = outcome(include_str!("programs/collector.py"), 120_000);
    assert_eq!(outcome.error, "");
    let corrupted = |what: &str| -> Vec<bool> {
        let rows = outcome.output.lines().filter(|line| line.starts_with(what));
        rows.map(|line| line.ends_with("corrupted 1")).collect()
    };
    assert_eq!(corrupted("soft references"), [false; 4], "{}", outcome.output);
    assert_eq!(corrupted("hard index"), [false; 4], "{}", outcome.output);
    // A callback has to come between the marks of the first and of the last item. How long either takes is a matter
    // of the hart's time and of the release: with a period that keeps step with the collector none may, forty times.
    let hard = corrupted("hard references");
    assert!(hard.len() == 4 && hard.iter().filter(|bad| **bad).count() >= 2, "{}", outcome.output);
}
