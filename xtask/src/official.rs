//! The lessons on official MicroPython: each image is flashed over RFC 2217 to a virtual board, the course is checked over the
//! same line, and what came out is written down as a table.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::checks::{build_server, parts};
use crate::failure::{Code, Failure, Result, file_access};
use crate::process::{run, step};
use crate::setup::{self, Purpose};
use crate::workspace::Workspace;

/// The page that the table is written to.
const PAGE: &str = "docs/official-boards.md";

/// The virtual board's flash.
const FLASH_BYTES: usize = 4 << 20;

/// What came of one case: its name, and whether it is as the lesson says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Case {
    name: String,
    ok: bool,
}

/// Checks the course on these images, and writes the table if `isrlab` was not told to check a part only.
///
/// # Errors
/// An image cannot be flashed, or a case fails on it.
pub(crate) fn check(workspace: &Workspace, images: &[PathBuf], isrlab: Option<PathBuf>) -> Result<()> {
    let isrlab = match isrlab {
        Some(isrlab) => isrlab,
        None => {
            setup::prepare(workspace, Purpose::Run)?;
            parts(workspace)?;
            build_server(workspace)?
        }
    };
    // A board keeps our time, so they can be checked side by side.
    let columns: Vec<Result<(String, Vec<Case>)>> = thread::scope(|scope| {
        let isrlab = &isrlab;
        let checked: Vec<_> = images.iter().map(|image| scope.spawn(move || check_image(isrlab, image))).collect();
        let panicked = || Failure::new(Code::CommandFailed, "The check of an image came to no end.", "Run it again.");
        checked.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err(panicked()))).collect()
    });
    let columns = columns.into_iter().collect::<Result<Vec<_>>>()?;
    let page = workspace.root().join(PAGE);
    std::fs::write(&page, table(&columns)).map_err(|error| file_access(&page, &error))?;
    let failed: Vec<String> = columns
        .iter()
        .flat_map(|(image, cases)| {
            cases.iter().filter(|case| !case.ok).map(move |case| format!("{image}: {}", case.name))
        })
        .collect();
    if failed.is_empty() {
        return Ok(());
    }
    let hint = "`isrlab run LESSON --image FILE --json` shows what the board measured.";
    Err(Failure::new(Code::CommandFailed, format!("These cases fail:\n  {}", failed.join("\n  ")), hint))
}

/// Ends when it is dropped.
struct Board(Child);

impl Drop for Board {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Flashes an image and checks the course on it; the cases in the course's order.
fn check_image(isrlab: &Path, image: &Path) -> Result<(String, Vec<Case>)> {
    let name = image.file_stem().unwrap_or(image.as_os_str()).to_string_lossy().into_owned();
    step(&format!("Checking the course on {name}"), || {
        let folder = std::env::temp_dir().join(format!("isrlab-official-{}-{name}", std::process::id()));
        let flash = folder.join("flash.bin");
        // A new board: older releases do not read the file system of newer ones.
        std::fs::create_dir_all(&folder)
            .and_then(|()| std::fs::write(&flash, vec![0xFF; FLASH_BYTES]))
            .map_err(|error| file_access(&flash, &error))?;
        let mut board = Command::new(isrlab)
            .args(["virtual", "--rfc2217", "127.0.0.1:0", "--console", "usb", "--timing", "silicon", "--flash"])
            .arg(&flash)
            .stdout(Stdio::piped())
            .spawn()
            .map(Board)
            .map_err(|error| file_access(isrlab, &error))?;
        let mut port = String::new();
        if let Some(said) = board.0.stdout.take() {
            BufReader::new(said).read_line(&mut port).map_err(|error| file_access(isrlab, &error))?;
        }
        let port = port.trim();
        run(Command::new(isrlab).args(["flash", "--board", port, "--image"]).arg(image).arg("--data").arg(&folder))?;
        // Failed cases end it with a status of its own; they are in the table.
        let checked = Command::new(isrlab)
            .args(["validate", "--board", port])
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| file_access(isrlab, &error))?;
        drop(board);
        let _ = std::fs::remove_dir_all(&folder);
        let said = String::from_utf8_lossy(&checked.stdout).into_owned();
        let cases = cases(&said);
        if cases.is_empty() {
            let what = format!("The course could not be checked on {name}: {said}");
            return Err(Failure::new(Code::CommandFailed, what, "What the board said stands above."));
        }
        for case in said.split("\nFAIL ").skip(1) {
            eprintln!("FAIL {name}: {case}");
        }
        Ok((name.clone(), cases))
    })
}

/// The cases that `isrlab validate` tells of.
fn cases(said: &str) -> Vec<Case> {
    let told = |line: &str| {
        let (ok, name) = match line.split_at_checked(5)? {
            ("ok   ", name) => (true, name),
            ("FAIL ", name) => (false, name),
            _ => return None,
        };
        Some(Case { name: name.to_owned(), ok })
    };
    said.lines().filter_map(told).collect()
}

/// The page.
fn table(columns: &[(String, Vec<Case>)]) -> String {
    let mut page = String::from(
        "# The lessons on official MicroPython\n\n\
         Written by `cargo xtask official IMAGE...`, which flashes each image over RFC 2217 to a virtual board in silicon's time and\n\
         checks the course over the same line. A dash: the lesson does not ask it of this board, because it lacks what its\n\
         `needs` names (`native`: a compiler to machine code; `serial`: a console that takes time; `firmware`: what only the lesson\n\
         firmware counts), or has no hard interrupts. What a board has, its `lab` module finds out by trying; no version is asked\n\
         for. README says how to run it with images of your own.\n\n",
    );
    let cell = |(_, cases): &(String, Vec<Case>), name: &str| match cases.iter().find(|case| case.name == name) {
        Some(Case { ok: true, .. }) => "passes",
        Some(Case { ok: false, .. }) => "**fails**",
        None => "-",
    };
    let heads: Vec<_> = columns.iter().map(|(image, _)| format!(" {image} |")).collect();
    page.push_str(&format!("| case |{}\n|---|{}\n", heads.concat(), "---|".repeat(columns.len())));
    let mut seen = BTreeSet::new();
    for case in columns.iter().flat_map(|(_, cases)| cases).filter(|case| seen.insert(&case.name)) {
        let cells: Vec<_> = columns.iter().map(|column| format!(" {} |", cell(column, &case.name))).collect();
        page.push_str(&format!("| {} |{}\n", case.name, cells.concat()));
    }
    let sums: Vec<_> = columns
        .iter()
        .map(|(_, cases)| format!(" {} of {} |", cases.iter().filter(|case| case.ok).count(), cases.len()))
        .collect();
    page.push_str(&format!("| **passed** |{}\n", sums.concat()));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_that_only_one_board_is_asked_has_a_dash_for_the_other() {
        let old = cases(
            "ok   how-late: grid a\nFAIL mutex: grid b\n     `x = 1` does not hold\n24 lessons, 2 cases, 1 failed\n",
        );
        let new = cases("ok   how-late: grid a\nok   how-late: grid native\nok   mutex: grid b\n");
        let page = table(&[("1.20".into(), old), ("1.24".into(), new)]);
        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(
            rows,
            [
                "| case | 1.20 | 1.24 |",
                "|---|---|---|",
                "| how-late: grid a | passes | passes |",
                "| mutex: grid b | **fails** | passes |",
                "| how-late: grid native | - | passes |",
                "| **passed** | 1 of 2 | 3 of 3 |",
            ]
        );
    }
}
