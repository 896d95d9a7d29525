//! Runs MicroPython's own test suite on the board, over the raw prompt.
//!
//! `upstream-tests DIR [FOLDER ...]`: DIR is the MicroPython source; the expected output of a test is its
//! `.exp` file, or what `python3` prints. Ends with exit code 1 if a test fails.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use firmware_tests::Board;

/// Folders of the suite that need nothing but the interpreter.
const FOLDERS: &[&str] = &["basics", "micropython", "float", "stress", "extmod"];
/// What `tests/run-tests.py` skips where floats are single precision, and where the heap keeps no statistics.
const NOT_FOR_THIS_BOARD: &[&str] = &[
    "float/float2int_doubleprec_intbig.py",
    "float/float_divmod.py",
    "float/float_format_ints_doubleprec.py",
    "float/float_parse_doubleprec.py",
    "micropython/meminfo.py",
];
/// A test that takes longer, in milliseconds of virtual time, is not for this board.
const TIMEOUT_MS: u64 = 60_000;

/// How a test went.
enum Verdict {
    Passed,
    Skipped,
    Failed(String),
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let source = PathBuf::from(arguments.next().ok_or("usage: upstream-tests MICROPYTHON_SOURCE [FOLDER ...]")?);
    let mut folders: Vec<String> = arguments.collect();
    if folders.is_empty() {
        folders = FOLDERS.iter().map(|folder| (*folder).to_owned()).collect();
    }
    let (mut passed, mut skipped, mut failed) = (0, 0, 0);
    for folder in folders {
        let mut tests: Vec<PathBuf> = std::fs::read_dir(source.join("tests").join(&folder))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
            .collect();
        tests.sort();
        for test in tests {
            if NOT_FOR_THIS_BOARD.iter().any(|name| test.ends_with(name)) {
                skipped += 1;
                continue;
            }
            match run(&test)? {
                Verdict::Passed => passed += 1,
                Verdict::Skipped => skipped += 1,
                Verdict::Failed(why) => {
                    failed += 1;
                    println!("FAIL {folder}/{}: {why}", test.file_name().unwrap_or_default().display());
                }
            }
        }
        println!("{folder}: {passed} passed, {skipped} skipped, {failed} failed so far");
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn run(test: &Path) -> Result<Verdict, Box<dyn Error>> {
    let program = std::fs::read_to_string(test)?;
    let mut board = Board::at_prompt();
    board.enter_raw();
    board.launch(&program);
    let Some(outcome) = board.try_finish(TIMEOUT_MS) else { return Ok(Verdict::Failed("no end".into())) };
    let output = outcome.output + &outcome.error;
    if output.starts_with("SKIP") || output.contains("\nSKIP\n") {
        return Ok(Verdict::Skipped);
    }
    let recorded = PathBuf::from(format!("{}.exp", test.display()));
    let expected = if recorded.is_file() {
        std::fs::read(&recorded)?
    } else {
        let python = Command::new("python3")
            .arg(test.file_name().unwrap_or_default())
            .current_dir(test.parent().unwrap_or_else(|| Path::new(".")))
            .output()?;
        [python.stdout, python.stderr].concat()
    };
    let expected = String::from_utf8_lossy(&expected).replace("\r\n", "\n");
    if output == expected || matches(&expected, &output) {
        return Ok(Verdict::Passed);
    }
    let line = expected.lines().zip(output.lines()).position(|(a, b)| a != b);
    Ok(Verdict::Failed(match line {
        Some(n) => format!(
            "line {}: `{}` instead of `{}`",
            n + 1,
            output.lines().nth(n).unwrap_or_default(),
            expected.lines().nth(n).unwrap_or_default(),
        ),
        None => format!("{} lines instead of {}", output.lines().count(), expected.lines().count()),
    }))
}

/// `tests/run-tests.py`: a line of `########` stands for any lines, `\.\+` and the like for any text.
fn matches(expected: &str, output: &str) -> bool {
    let mut rest: Vec<&str> = output.lines().collect();
    let mut any = false;
    for line in expected.lines() {
        if line.starts_with("########") {
            any = true;
            continue;
        }
        let head = line.split("\\.").next().unwrap_or_default().split('\\').next().unwrap_or_default();
        let is_pattern = head.len() != line.len();
        let Some(at) = rest.iter().position(|found| if is_pattern { found.starts_with(head) } else { *found == line })
        else {
            return false;
        };
        if at > 0 && !any {
            return false;
        }
        rest.drain(..=at);
        any = false;
    }
    any || rest.is_empty()
}
