//! Attached boards with official MicroPython: found out, given the portable `lab` module, run, steered and stopped. The
//! board is the virtual one with a firmware that behaves as an official ESP32-C3 build does.

use std::process::Command;
use std::time::Duration;

use ports::attached;
use ports::discovery::Named;
use ports::serial::PortAddress;
use protocol::received::Sample;
use serde_json::Value;
use workbench::line::{Drive, Line as _};
use workbench::session::{EndReason, RunEnd, RunOrder, SessionEvent, SessionFault, Setting};

use crate::foreign::{isrlab, plain_firmware, python_tool, succeed};
use crate::link::{Bench, Faults};
use crate::virtual_board::{VirtualBoard, flash_file};

type Attached = Drive<attached::AttachedLine>;

/// Opens the board at a port, outside the runtime, and lets `work` have it.
async fn with_board<T: Send + 'static>(port: PortAddress, work: impl FnOnce(Attached) -> T + Send + 'static) -> T {
    let runtime = tokio::runtime::Handle::current();
    let open = move || {
        let named = Named { port, product_id: None };
        work(attached::open(&named, &runtime).unwrap_or_else(|fault| panic!("{fault} [{}]", fault.code())))
    };
    tokio::task::spawn_blocking(open).await.unwrap()
}

fn order(program: &str, limit: Duration) -> RunOrder {
    let settings = vec![("rate".to_owned(), Setting::Number(200)), ("kind".to_owned(), choice("soft"))];
    RunOrder { run: 7, program: program.to_owned(), settings, limit, ..RunOrder::default() }
}

fn choice(name: &str) -> Setting {
    Setting::Choice(name.to_owned())
}

/// Drives the board until `hear` returns something.
#[track_caller]
fn until<T>(drive: &mut Attached, mut hear: impl FnMut(&mut Attached, SessionEvent) -> Option<T>) -> T {
    let goal = drive.line.now() + Duration::from_secs(40);
    while drive.advance(goal).unwrap() {
        while let Some(event) = drive.session.next_event() {
            if let Some(found) = hear(drive, event) {
                return found;
            }
        }
    }
    panic!("nothing came of it")
}

fn run_end(_: &mut Attached, event: SessionEvent) -> Option<RunEnd> {
    match event {
        SessionEvent::RunEnded(end) => Some(end),
        _ => None,
    }
}

/// Starts a program that goes on for ever and stops it when it has run for a moment.
#[track_caller]
fn start_and_stop(drive: &mut Attached, program: &str) -> RunEnd {
    drive.session.start(drive.line.now(), order(program, Duration::ZERO)).unwrap();
    until(drive, |drive, event| {
        if matches!(event, SessionEvent::RunStarted(_)) {
            let goal = drive.line.now() + Duration::from_millis(300);
            while drive.advance(goal).unwrap() {}
            drive.session.stop(drive.line.now());
        }
        run_end(drive, event)
    })
}

#[test]
fn the_lost_update_runs_over_rfc2217_and_hard_interrupts_are_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &plain_firmware());
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--fast", "--flash", &flash]);
    let run = |more: &[&str]| {
        let arguments = ["run", "lost-update", "--seconds", "1", "--json", "--board", &board.port];
        Command::new(isrlab()).args(arguments).args(["--set", "expression=conditional"]).args(more).output().unwrap()
    };
    let output = run(&["--set", "kind=soft"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    // While the machine is busy the board is slower than the clock on the wall, which limits the run. What it counts fits
    // its own clock.
    assert!(report["why"] == "finished" || report["why"] == "overtime", "{report}");
    assert_eq!(report["identity"], true, "{report}");
    // The release is that of the test image, whichever could be had.
    assert!(report["micropython"].as_str().unwrap().starts_with("1."), "{report}");
    assert!(report["firmware"].as_str().unwrap().starts_with("portable-"), "{report}");
    let number = |part: &str, name: &str| report[part][name].as_i64().unwrap();
    let alarms = number("counters", "run_us") / 1000;
    assert!((number("counters", "ran") - alarms).abs() <= 20, "{alarms} in {report}");
    assert!(number("values", "lost") > 0, "{report}");
    assert_eq!(
        number("values", "lost"),
        number("values", "main_adds") + number("values", "isr_adds") - number("values", "count")
    );
    assert_eq!(report["bad_frames"], 0);

    let output = run(&["--set", "kind=hard"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("[board-needs-hard]") && said.contains("--board virtual"), "{said}");

    // Others find the plain board that it was.
    let answer = succeed(python_tool("mpremote").args(["connect", &board.port, "eval", "6 * 7"]));
    assert_eq!(answer.trim(), "42");
}

#[test]
fn a_lesson_runs_over_a_pseudo_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &plain_firmware());
    let board = VirtualBoard::start(&["--pty", "--fast", "--flash", &flash]);
    let arguments =
        ["run", "where-can-it-strike", "--seconds", "1", "--json", "--set", "kind=soft", "--board", &board.port];
    let report: Value =
        serde_json::from_slice(&Command::new(isrlab()).args(arguments).output().unwrap().stdout).unwrap();
    let strikes: Vec<i64> =
        report["histograms"]["strikes"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect();
    // A soft callback gets in only at the jump of the loop: at the last of the ten places.
    let (last, before) = strikes.split_last().unwrap();
    assert!(*last > 0 && before.iter().all(|&n| n == 0), "{strikes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_module_is_sent_once_and_again_when_it_is_another() {
    let bench = Bench::with_flash(&plain_firmware()).await;
    let mut sent = Vec::new();
    for round in 0..3 {
        let link = bench.link(Faults::NONE, 0).await;
        let altered = with_board(link.port(), move |mut drive| {
            assert!(drive.session.is_ready() && !drive.session.has_hard());
            assert_eq!(drive.session.hello().unwrap().chip, "esp32c3");
            (round == 1).then(|| {
                let program = "f = open('/lib/lab.py', 'ab')\nf.write(b'#')\nf.close()\n";
                drive.session.start(drive.line.now(), order(program, Duration::ZERO)).unwrap();
                until(&mut drive, run_end).why
            })
        });
        assert!(altered.await.is_none_or(|why| why == EndReason::Finished));
        sent.push(link.passed_bytes());
    }
    // The first round and the one after the module was altered carry it: 15 KB more.
    assert!(sent[0] > sent[1] + 8_000 && sent[2] > 12_000 && sent[1] < 6_000, "{sent:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_board_without_raw_paste_gets_everything_in_pieces() {
    let bench = Bench::with_flash(&plain_firmware()).await;
    // The module is there already: in pieces it takes its time.
    with_board(bench.port(), drop).await;
    // Before MicroPython 1.14 the request for raw-paste only began the raw prompt anew.
    let old = |bytes: Vec<u8>| match bytes.windows(3).position(|window| window == b"\x05A\x01") {
        Some(at) => [&bytes[..at], &bytes[at + 2..]].concat(),
        None => bytes,
    };
    let link = bench.link(Faults { to_board: old, ..Faults::NONE }, 0).await;
    let end = with_board(link.port(), |mut drive| {
        let program = "import lab\nlab.value('x', 6 * 7)\nlab.done()\n";
        drive.session.start(drive.line.now(), order(program, Duration::from_secs(5))).unwrap();
        let mut values = None;
        let end = until(&mut drive, |drive, event| {
            if let SessionEvent::Sample(_, Sample { v, .. }) = &event {
                values = v.get("x").copied();
            }
            run_end(drive, event)
        });
        (end.why, values)
    });
    assert_eq!(end.await, (EndReason::Finished, Some(42)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn controls_are_turned_while_the_program_runs_and_wrong_values_are_refused() {
    const PROGRAM: &str = "import lab\nlab.number('depth', 5, 1, 9)\nlab.choice('way', ('a', 'b'), 'a')\n\
        t = lab.timer(lambda t: None)\nwhile lab.running():\n lab.value('depth', lab.get('depth'))\n \
        lab.value('way', lab.get('way') == 'b')\n lab.beat()\nt.deinit()\nlab.done()\n";
    let bench = Bench::with_flash(&plain_firmware()).await;
    with_board(bench.port(), |mut drive| {
        drive.session.start(drive.line.now(), order(PROGRAM, Duration::from_secs(30))).unwrap();
        let mut answers = Vec::new();
        let end = until(&mut drive, |drive, event| {
            match &event {
                SessionEvent::RunStarted(_) => {
                    let wanted = [
                        ("depth", Setting::Number(7)),
                        ("way", choice("b")),
                        ("rate", Setting::Number(50)),
                        ("depth", Setting::Number(10)),
                        ("way", choice("c")),
                        ("kind", choice("hard")),
                    ];
                    for (ticket, (name, value)) in wanted.iter().enumerate() {
                        drive.session.set(drive.line.now(), ticket as u64, name, value);
                    }
                }
                SessionEvent::Answer(ticket, answer) => answers.push((*ticket, *answer)),
                SessionEvent::Sample(_, sample) if answers.len() == 6 => {
                    let turned = sample.v.get("depth") == Some(&7) && sample.v.get("way") == Some(&1);
                    if turned && sample.src[0].hz == 50 {
                        drive.session.stop(drive.line.now());
                    }
                }
                _ => {}
            }
            run_end(drive, event)
        });
        let refused = Err(SessionFault::SettingRefused);
        answers.sort_unstable_by_key(|(ticket, _)| *ticket);
        assert_eq!(answers, [(0, Ok(())), (1, Ok(())), (2, Ok(())), (3, refused), (4, refused), (5, refused)]);
        assert_eq!((end.why, end.proven_still), (EndReason::Stopped, true));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stop_ends_whatever_runs_and_proves_that_nothing_counts_any_more() {
    const STORIES: [(&str, EndReason); 5] = [
        // What Ctrl-C ends.
        ("while True: pass\n", EndReason::Stopped),
        // Timers that the program leaves behind.
        (
            "import lab, machine\nmachine.Timer(1).init(freq=100, callback=lambda t: lab.beat())\n\
          t = lab.timer(lambda t: lab.beat())\nwhile True: pass\n",
            EndReason::Stopped,
        ),
        // Callbacks that take nearly all time: Ctrl-C hits them, and not main.
        ("import lab, time\ndef cb(t): time.sleep_ms(20)\nlab.timer(cb)\nwhile True: pass\n", EndReason::Stopped),
        // A scheduled function that schedules itself goes on at the prompt: only a new VM ends it.
        (
            "import lab, micropython\ndef again(_):\n lab.beat()\n micropython.schedule(again, 0)\n\
          again(0)\nwhile True: pass\n",
            EndReason::Restarted,
        ),
        // Main takes Ctrl-C for nothing: only the chip's reset ends it.
        ("while True:\n try:\n  while True: pass\n except KeyboardInterrupt: pass\n", EndReason::Restarted),
    ];
    let bench = Bench::with_flash(&plain_firmware()).await;
    with_board(bench.port(), |mut drive| {
        for (program, why) in STORIES {
            let end = start_and_stop(&mut drive, program);
            assert_eq!((end.proven_still, end.fault), (true, None), "{program}: {end:?}");
            // A prompt that only a restart brought back may still name what ended the program.
            let named = end.why == why || (why == EndReason::Restarted && end.why == EndReason::Stopped);
            assert!(named, "{program}: {end:?}");
            assert!(drive.session.is_ready(), "{program}");
        }
    })
    .await;
}

#[test]
fn a_full_file_system_is_told_and_room_mends_it() {
    let folder = tempfile::tempdir().unwrap();
    let flash = flash_file(folder.path(), &plain_firmware());
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0", "--fast", "--flash", &flash]);
    let mpremote = |arguments: &[&str]| {
        succeed(python_tool("mpremote").args(["connect", &board.port]).args(arguments));
    };
    // A file whose last write failed is not kept, so the room goes to many of them, the last ones small.
    mpremote(&[
        "exec",
        "for size in (32768, 512):\n try:\n  for i in range(100):\n   f = open('big%d-%d' % (size, i), 'wb')\n   \
         f.write(bytes(size))\n   f.close()\n except OSError: pass",
    ]);
    let run = || {
        Command::new(isrlab())
            .args(["run", "lost-update", "--seconds", "1", "--set", "kind=soft", "--board", &board.port])
            .output()
    };
    let said = String::from_utf8(run().unwrap().stderr).unwrap();
    assert!(said.contains("[board-disk-full]") && said.contains("mpremote"), "{said}");
    mpremote(&["rm", ":big32768-0"]);
    let output = run().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("main_adds"), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
