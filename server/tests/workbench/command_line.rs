//! The command line as a shell meets it: outputs that nobody reads, files without end, signals, locales.
#![cfg(unix)]

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Far beyond what anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn isrlab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
    command.args(arguments).env_remove("LC_ALL").env_remove("LC_MESSAGES").env("LANG", "C");
    // No test leaves anything in the developer's own cache.
    command.env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Every command that prints, as short as it can be.
const PRINTING: [&[&str]; 5] = [
    &["boards"],
    &["boards", "--json"],
    &["run", "lost-update", "--seconds", "1"],
    &["explore", "lost-update", "--at", "5"],
    &["validate", "how-late"],
];

#[test]
fn a_full_stdout_is_a_failure_with_its_reason() {
    for arguments in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = isrlab(arguments).stdout(full).output().unwrap();
        let said = error_of(&output);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {said}");
        assert!(said.contains("cannot write to the standard output: No space left"), "{arguments:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

#[test]
fn a_stdout_that_nobody_reads_ends_the_command_in_silence() {
    for arguments in PRINTING {
        let mut child = isrlab(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), error_of(&output).as_str()), (Some(141), ""), "{arguments:?}");
    }
}

#[test]
fn a_program_that_ends_in_deep_sleep_has_not_crashed() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("sleeper.py");
    for (text, language, said) in [
        (
            "machine.deepsleep(300)",
            "C",
            "The board went into deep sleep. It is woken by the timer after 300 ms. The timer has woken it, and it has \
             started anew.",
        ),
        (
            "machine.deepsleep(60000)",
            "ja_JP.UTF-8",
            "ボードはディープスリープに入りました。目覚めさせるのは60000 ms 後のタイマです。\
             実行が終わったときも、まだ眠っていました。",
        ),
    ] {
        std::fs::write(&program, format!("import machine\nprint('good night')\n{text}\n")).unwrap();
        let file = program.to_str().unwrap();
        let run = ["run", "workshop", "--program", file, "--seconds", "2"];
        let output = isrlab(&run).env("LANG", language).output().unwrap();
        let printed = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{printed}{}", error_of(&output));
        assert!(printed.contains("good night") && printed.contains("why deep_sleep"), "{printed}");
        assert!(printed.trim_end().ends_with(said), "{printed}");
        let output = isrlab(&[&run[..], &["--json"]].concat()).output().unwrap();
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&report["why"], &report["exceptions"]), (&"deep_sleep".into(), &serde_json::json!([])));
    }
}

#[test]
fn a_validation_remembers_what_held_and_can_be_shared() {
    let cache = tempfile::tempdir().unwrap();
    let validate = |arguments: &[&str]| {
        let mut command = isrlab(&["validate", "what-allocates"]);
        let output = command.args(arguments).env("XDG_CACHE_HOME", cache.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stdout).unwrap()
    };
    let names = |said: &str| {
        let mut lines: Vec<_> = said.lines().filter(|line| line.starts_with("ok")).map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let (first, second) = (validate(&["--shard", "1/2"]), validate(&["--shard", "2/2"]));
    assert!(!first.contains("held before") && !second.contains("held before"), "{first}{second}");
    let all = validate(&[]);
    let total = names(&all).len();
    assert!(all.contains(&format!("{total} held before")), "{all}");
    let shared: Vec<_> = names(&format!("{first}{second}"));
    assert_eq!((names(&first).len().abs_diff(names(&second).len()) <= 1, shared), (true, names(&all)));
    // Another model of time is another run.
    assert!(!validate(&["--timing", "unit", "--shard", "1/8"]).contains("held before"));
    assert!(!validate(&["--fresh", "--shard", "1/8"]).contains("held before"));
    // The engine decides nothing.
    assert!(validate(&["--engine", "block", "--shard", "1/8"]).contains("held before"));
}

#[test]
fn a_stderr_that_takes_nothing_changes_nothing() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let status = isrlab(&["run", "no-such-lesson"]).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

#[test]
fn a_server_whose_address_nobody_reads_serves_all_the_same() {
    let data = tempfile::tempdir().unwrap();
    let full = File::options().write(true).open("/dev/full").unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = isrlab(&["serve", "--listen", &port.to_string(), "--data"]);
    let mut child = command.arg(data.path()).stdout(full).stderr(Stdio::null()).spawn().unwrap();
    let begun = Instant::now();
    while std::net::TcpStream::connect(port).is_err() {
        assert!(begun.elapsed() < PATIENCE && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Waits for the first line, so that the command is at work.
fn first_line(child: &mut Child) -> String {
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

#[test]
fn a_signal_ends_what_goes_on_and_on_cleanly() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    for arguments in
        [&["serve", "--listen", "127.0.0.1:0", "--data", data][..], &["virtual", "--rfc2217", "127.0.0.1:0"]]
    {
        for signal in [Signal::TERM, Signal::INT] {
            let mut child = isrlab(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let line = first_line(&mut child);
            // A page that listens and a connection that says nothing do not hold the end up.
            let address = line.trim().rsplit("//").next().unwrap().trim_end_matches('/').to_owned();
            let mut page = std::net::TcpStream::connect(&address).unwrap();
            _ = std::io::Write::write_all(&mut page, b"GET /events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
            _ = page.read(&mut [0; 64]);
            kill_process(Pid::from_child(&child), signal).unwrap();
            let begun = Instant::now();
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{arguments:?} {signal:?}: {}", error_of(&output));
            assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
        }
    }
}

#[test]
fn a_signal_ends_a_server_cleanly_that_is_not_there_yet() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    let mut child = isrlab(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It makes its folder before it boots a board.
    let begun = Instant::now();
    while !data.exists() {
        assert!(begun.elapsed() < PATIENCE && child.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(1));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", error_of(&output));
}

#[test]
fn a_killed_virtual_board_has_kept_its_flash_and_two_do_not_share_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flash.bin");
    let arguments = ["virtual", "--rfc2217", "127.0.0.1:0", "--flash", path.to_str().unwrap()];
    let mut first = isrlab(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    first_line(&mut first);
    let second = isrlab(&arguments).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    assert!(error_of(&second).contains("[flash-file-in-use]"), "{}", error_of(&second));
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < PATIENCE, "nothing was written while it ran");
        std::thread::sleep(Duration::from_millis(50));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 4 << 20);
    let mut third = isrlab(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    assert!(first_line(&mut third).starts_with("rfc2217://"), "a killed one has let it go");
    third.kill().unwrap();
    third.wait().unwrap();
}

#[test]
fn a_file_without_end_is_refused_and_a_results_file_is_tried_first() {
    for arguments in [
        &["run", "lost-update", "--program", "/dev/zero"][..],
        &["explore", "lost-update", "--program", "/dev/zero"],
        &["flash", "--board", "rfc2217://127.0.0.1:1", "--image", "/dev/zero"],
        &["validate", "--junit", "/no/such/folder/results.xml"],
    ] {
        let begun = Instant::now();
        let output = isrlab(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {}", error_of(&output));
        assert!(begun.elapsed() < PATIENCE / 2, "{arguments:?} took {:?}", begun.elapsed());
    }
}

#[test]
fn a_programs_escapes_do_not_reach_the_terminal_and_causes_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program.py");
    std::fs::write(&program, "print('\\x1b]0;owned\\x07\\x1b[31mred\\x9b')\n").unwrap();
    let output = isrlab(&["run", "lost-update", "--seconds", "1", "--program"]).arg(&program).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("\\x1b]0;owned\\x07\\x1b[31mred"), "{said}");
    assert!(!said.chars().any(|c| c.is_control() && c != '\n'), "{said:?}");
    let output = isrlab(&["run", "lost-update", "--program", "/no/such/file"]).output().unwrap();
    assert_eq!(error_of(&output).matches("No such file").count(), 1, "{}", error_of(&output));
}

#[test]
fn messages_follow_a_japanese_locale() {
    for (arguments, expected) in [
        (&["run", "no-such-lesson"][..], "レッスン `no-such-lesson` はありません"),
        (&["run", "lost-update", "--set", "rate"], "`=` がありません"),
        (&["run", "lost-update", "--set", "rate=1000000"], "範囲外です"),
        (&["run", "lost-update", "--program", "/dev/zero"], "を超えています"),
        (&["run", "lost-update", "--board", "rfc2217://127.0.0.1:1"], "[port-unreachable]"),
    ] {
        let output = isrlab(arguments).env("LC_ALL", "ja_JP.UTF-8").output().unwrap();
        let said = error_of(&output);
        assert!(said.contains(expected) && !said.is_ascii(), "{arguments:?}: {said}");
        assert!(error_of(&isrlab(arguments).output().unwrap()).is_ascii(), "{arguments:?} in English");
    }
    let boards = isrlab(&["boards"]).env("LANG", "ja_JP.UTF-8").output().unwrap();
    assert!(String::from_utf8_lossy(&boards.stdout).starts_with("ボード"));
    let explored = isrlab(&["explore", "lost-update", "--at", "5"]).env("LC_MESSAGES", "ja_JP.UTF-8").output().unwrap();
    assert!(String::from_utf8_lossy(&explored.stdout).contains("番目の到着"));
}

/// What an author does first: a lesson is made, it holds, and a program is judged in their language.
#[test]
fn a_new_lesson_holds_and_its_programs_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    let lessons = folder.path().join("lessons");
    let dir = lessons.to_str().unwrap();
    let made = isrlab(&["lesson", "new", "my-own", "--folder", dir]).output().unwrap();
    assert!(made.status.success(), "{}", error_of(&made));
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    let at = lessons.read_dir().unwrap().filter_map(|entry| entry.unwrap().file_name().into_string().ok());
    let own = at.into_iter().find(|name| name.ends_with("-my-own")).unwrap();
    assert!(said.contains(&format!("isrlab validate my-own --folder {dir}")), "{said}");
    let validated = isrlab(&["validate", "my-own", "--folder", dir]).output().unwrap();
    assert!(validated.status.success(), "{}", String::from_utf8_lossy(&validated.stdout));

    let file = |name: &str| lessons.join(&own).join(name).to_str().unwrap().to_owned();
    let solved = isrlab(&["check", "my-own", &file("solution.py"), "--folder", dir, "--json"]).output().unwrap();
    assert_eq!(solved.status.code(), Some(0), "{}", error_of(&solved));
    let verdict: serde_json::Value = serde_json::from_slice(&solved.stdout).unwrap();
    assert_eq!((&verdict["lesson"], &verdict["passed"]), (&"my-own".into(), &true.into()));
    let failed = isrlab(&["check", "my-own", &file("starter.py"), "--folder", dir]).env("LANG", "ja_JP.UTF-8").output();
    let failed = failed.unwrap();
    let said = String::from_utf8_lossy(&failed.stdout).into_owned();
    assert_eq!(failed.status.code(), Some(1), "{said}");
    assert!(said.contains("不可") && said.contains("不合格"), "{said}");
    let explored = isrlab(&["explore", "my-own", "--folder", dir]).output().unwrap();
    assert!(error_of(&explored).contains("no_window"), "it is found, and has no window: {}", error_of(&explored));
}
