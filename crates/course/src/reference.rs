//! The reference of the `lab` module (`lab.toml`): one page of the site, one of `docs`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Course;
use super::lesson::Lesson;
use super::load::Finding;
use super::text::Text;

/// What a program can call.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// What holds for all of it.
    pub about: Vec<Text>,
    /// Its parts.
    #[serde(rename = "group")]
    pub groups: Vec<Group>,
}

/// Calls that belong together, and what to know about them.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// What they are about.
    pub title: Text,
    /// The calls.
    #[serde(default)]
    pub calls: Vec<Call>,
    /// What to know beside.
    #[serde(default)]
    pub after: Vec<Text>,
}

/// A call, or several that are explained together.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The names, without the module's.
    pub names: Vec<String>,
    /// How it is written, as Markdown between the first and the last backtick.
    pub call: String,
    /// What it does.
    pub does: Text,
}

impl Reference {
    fn names(&self) -> BTreeSet<&str> {
        let calls = self.groups.iter().flat_map(|group| &group.calls);
        calls.flat_map(|call| &call.names).map(String::as_str).collect()
    }
}

/// The names of the module that stand in a text: `lab.NAME`.
fn named(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("lab.").filter_map(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..)?;
        let name = after.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?;
        // `syslab.x` is something else, `lab.py` and `lab.toml` are files.
        let ours = !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.' || c == '/');
        (ours && !name.is_empty() && !matches!(name, "py" | "toml")).then_some(name)
    })
}

/// Adds every call in a lesson's programs and texts that the reference does not explain.
pub(super) fn check(course: &Course, findings: &mut Vec<Finding>) {
    let known = course.reference.names();
    for lesson in &course.lessons {
        for (file, text) in files(lesson) {
            let unknown: BTreeSet<_> = named(text).filter(|name| !known.contains(name)).collect();
            for name in unknown {
                findings.push(Finding {
                    file: format!("{}/{file}", lesson.folder()),
                    place: String::new(),
                    message: format!("`lab.{name}` is not explained in lab.toml; add it, or mend the name"),
                });
            }
        }
    }
}

fn files(lesson: &Lesson) -> Vec<(&str, &str)> {
    let programs =
        [("program.py", &lesson.program), ("starter.py", &lesson.starter), ("solution.py", &lesson.solution)];
    let texts = [("en.md", &lesson.en), ("ja.md", &lesson.ja)];
    let sections = texts.into_iter().flat_map(|(file, sections)| sections.iter().map(move |s| (file, s.html.as_str())));
    programs.map(|(file, text)| (file, text.as_str())).into_iter().chain(sections).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::*;

    /// `docs/lab-module.md`.
    fn page(reference: &Reference) -> String {
        let mut page = String::from("# The `lab` module\n\n");
        let paragraph = |page: &mut String, text: &Text| writeln!(page, "{}\n", text.en).unwrap();
        reference.about.iter().for_each(|text| paragraph(&mut page, text));
        page.push_str("Made from `lessons/lab.toml`, which the page `/lab` shows too.\n\n");
        for group in &reference.groups {
            writeln!(page, "## {}\n", group.title.en).unwrap();
            if !group.calls.is_empty() {
                page.push_str("| call | |\n|---|---|\n");
                for call in &group.calls {
                    writeln!(page, "| `{}` | {} |", call.call, call.does.en).unwrap();
                }
                page.push('\n');
            }
            group.after.iter().for_each(|text| paragraph(&mut page, text));
        }
        format!("{}\n", page.trim_end())
    }

    fn repository(path: &str) -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
    }

    #[test]
    fn the_page_of_the_module_is_the_reference() {
        let path = repository("docs/lab-module.md");
        let page = page(&Course::ours().reference);
        if std::env::var_os("UPDATE_LAB").is_some() {
            std::fs::write(&path, &page).unwrap();
        }
        let written = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(written == page, "docs/lab-module.md is not what lab.toml says; run this test with UPDATE_LAB=1");
    }

    #[test]
    fn whatever_the_firmware_has_is_explained() {
        let source = std::fs::read_to_string(repository("firmware/micropython-sys/port/modlab.c")).unwrap();
        let table = source.split("MP_QSTR___name__").nth(1).unwrap().split("};").next().unwrap();
        let has: BTreeSet<&str> = table
            .split("MP_ROM_QSTR(MP_QSTR_")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
            .filter(|name| *name != "lab" && !name.starts_with("__"))
            .collect();
        assert!(has.len() > 20, "{has:?}");
        assert_eq!(has, Course::ours().reference.names());
    }

    #[test]
    fn an_unexplained_call_is_found() {
        let found: Vec<_> = named("lab.beat() syslab.x `lab.nothing` lab.py /lab.x").collect();
        assert_eq!(found, ["beat", "nothing"]);
        let mut course = Course::ours();
        course.lessons[0].program.push_str("\nlab.nothing()\n");
        let mut findings = Vec::new();
        check(&course, &mut findings);
        let said: Vec<_> = findings.iter().map(ToString::to_string).collect();
        let file = format!("{}/program.py", course.lessons[0].folder());
        assert_eq!(said, [format!("{file}: `lab.nothing` is not explained in lab.toml; add it, or mend the name")]);
    }
}
