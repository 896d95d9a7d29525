//! Rules of the tree that no compiler knows.

use std::path::Path;
use std::process::Command;

use crate::failure::{Code, Failure, Result};
use crate::process::{output, step};
use crate::rooms::{self, Source};
use crate::workspace::{Workspace, read};

/// The largest file that may be committed, in bytes.
const LARGEST_FILE_BYTES: usize = 512 * 1024;

/// A file of the repository as git has it.
struct TrackedFile<'a> {
    /// Path from the root, with `/` between names.
    path: &'a str,
    content: &'a [u8],
}

/// Checks every tracked file.
///
/// # Errors
/// All breaches at once, each with its file and line.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    step("Checking the tree's own rules", || {
        let root = workspace.root();
        let listing = output(Command::new("git").args(["ls-files"]).current_dir(root))?;
        let paths: Vec<&str> = listing.lines().collect();
        let mut breaches = lessons_lacking_a_language(&paths);
        let mut contents = Vec::new();
        for path in paths {
            let full = root.join(path);
            // A file that is deleted but not committed yet is still listed.
            if full.is_file() {
                let content = read(&full)?;
                breaches.extend(breaches_of(&TrackedFile { path, content: &content }));
                contents.push((path, content));
            }
        }
        let text_of = |content| std::str::from_utf8(content).ok();
        let sources: Vec<Source<'_>> =
            contents.iter().filter_map(|(path, content)| Some(Source { path, text: text_of(content)? })).collect();
        breaches.extend(rooms::breaches(&sources));
        if breaches.is_empty() {
            return Ok(());
        }
        Err(Failure::new(
            Code::Untidy,
            format!("The tree breaks its own rules:\n  {}", breaches.join("\n  ")),
            "CONTRIBUTING.md says why each rule is there.",
        ))
    })
}

fn breaches_of(file: &TrackedFile<'_>) -> Vec<String> {
    let path = file.path;
    let mut breaches = Vec::new();
    if file.content.len() > LARGEST_FILE_BYTES {
        breaches.push(format!("{path}: is larger than 512 KiB"));
    }
    let Some(text) = std::str::from_utf8(file.content).ok().filter(|text| !text.contains('\0')) else {
        let is_screenshot = path.starts_with("docs/") && extension(path) == Some("png");
        if !is_screenshot {
            breaches.push(format!("{path}: is a binary file"));
        }
        return breaches;
    };
    for (index, line) in text.lines().enumerate() {
        let place = format!("{path}:{}", index + 1);
        if let Some(host) = registry_host(line) {
            breaches.push(format!("{place}: names a package registry's host ({host})"));
        }
        if let Some(root) = machine_path(line) {
            breaches.push(format!("{place}: names a path of one machine ({root}...)"));
        }
        if let Some(mark) = skipped_test(path, line) {
            breaches.push(format!("{place}: a test that does not run ({mark})"));
        }
    }
    breaches
}

/// Every lesson is taught in both languages.
fn lessons_lacking_a_language(paths: &[&str]) -> Vec<String> {
    paths
        .iter()
        .filter_map(|path| path.strip_prefix("lessons/")?.strip_suffix("/lesson.toml"))
        .flat_map(|lesson| ["en.md", "ja.md"].map(|text| format!("lessons/{lesson}/{text}")))
        .filter(|text| !paths.contains(&text.as_str()))
        .map(|text| format!("{text}: is missing"))
        .collect()
}

/// A mirror or a company's registry may be set up on the reader's machine, so
/// hosts are left to the clients' configuration. The names are put together
/// here, so that this file keeps the rule itself.
fn registry_host(line: &str) -> Option<String> {
    [
        ["registry.", "npmjs.org"],
        ["registry.", "yarnpkg.com"],
        ["pypi", ".org"],
        ["files.", "pythonhosted.org"],
        ["static.", "crates.io"],
        ["index.", "crates.io"],
        ["deb.", "debian.org"],
        ["security.", "debian.org"],
    ]
    .into_iter()
    .map(|parts| parts.concat())
    .find(|host| line.contains(host))
}

/// Finds an absolute path that exists on the machine of whoever wrote it.
fn machine_path(line: &str) -> Option<String> {
    ["work", "root", "tmp", "home"].into_iter().map(|name| format!("/{name}/")).find(|root| {
        line.match_indices(root.as_str()).any(|(at, _)| {
            // `/api/lessons/x/work/` is no path of a machine: a name stands before it.
            line[..at]
                .chars()
                .next_back()
                .is_none_or(|before| !before.is_alphanumeric() && !"_-.})~>*/".contains(before))
        })
    })
}

/// Finds a mark that keeps a test from running, or all others.
fn skipped_test(path: &str, line: &str) -> Option<&'static str> {
    let code = line.trim_start();
    match extension(path)? {
        "rs" => code.starts_with("#[ignore").then_some("#[ignore]"),
        "js" | "mjs" => ["test.skip(", "test.only(", "it.skip(", "it.only(", "describe.skip(", "describe.only("]
            .into_iter()
            .find(|mark| code.starts_with(mark)),
        _ => None,
    }
}

fn extension(path: &str) -> Option<&str> {
    Path::new(path).extension()?.to_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(path: &str, content: &[u8], expected: &[&str]) {
        assert_eq!(breaches_of(&TrackedFile { path, content }), expected);
    }

    #[test]
    fn an_ordinary_file_breaks_no_rule() {
        check_file("README.md", b"Run `make run` and open /lessons/lost-update/work/ in a browser.\n", &[]);
    }

    #[test]
    fn binaries_are_refused_but_for_the_documents_pictures() {
        check_file("firmware/core.a", b"\x7fELF\0", &["firmware/core.a: is a binary file"]);
        check_file("docs/bench.png", b"\x89PNG\0", &[]);
    }

    #[test]
    fn a_file_over_the_limit_is_refused() {
        let content = vec![b'a'; LARGEST_FILE_BYTES + 1];
        check_file("docs/long.md", &content, &["docs/long.md: is larger than 512 KiB"]);
        check_file("docs/long.md", &content[1..], &[]);
    }

    #[test]
    fn registry_hosts_and_machine_paths_are_refused_with_their_line() {
        let host = ["registry.", "npmjs.org"].concat();
        let lock = format!("{{\n\"resolved\": \"https://{host}/x\"\n}}");
        check_file(
            "web/package-lock.json",
            lock.as_bytes(),
            &[&format!("web/package-lock.json:2: names a package registry's host ({host})")],
        );
        let path = ["/", "root", "/project"].concat();
        check_file(
            "build.rs",
            format!("let dir = \"{path}\";").as_bytes(),
            &[&format!("build.rs:1: names a path of one machine ({}...)", &path[..6])],
        );
    }

    #[test]
    fn tests_that_do_not_run_are_refused() {
        let mark = ["#[", "ignore]"].concat();
        check_file("a.rs", format!("    {mark}\n").as_bytes(), &["a.rs:1: a test that does not run (#[ignore])"]);
        let skip = ["test", ".skip('x', run)"].concat();
        check_file("a.js", skip.as_bytes(), &["a.js:1: a test that does not run (test.skip()"]);
    }

    #[test]
    fn a_lesson_needs_both_languages() {
        let paths = ["lessons/15-lost-update/lesson.toml", "lessons/15-lost-update/en.md", "lessons/course.toml"];
        assert_eq!(lessons_lacking_a_language(&paths), ["lessons/15-lost-update/ja.md: is missing"]);
    }
}
