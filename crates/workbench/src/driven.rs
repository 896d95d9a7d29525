//! A program inside the driver of its exercise: what is sent to the board in its place.
//!
//! The driver's text becomes the body of a function. What it refers to is bound there, in locals that nobody else can
//! name, before the program's first instruction: functions of `lab`, and those of the builtins that it uses. The program is
//! executed by `load`, in globals of its own.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use crate::witness::{BEGIN_MARK, END_MARK};

/// The file that tracebacks name for lines of the driver.
const DRIVER_FILE: &str = "driver.py";
/// The builtins that a driver may use; a program can replace any of them in its own globals.
const BUILTINS: [&str; 29] = [
    "Exception",
    "KeyboardInterrupt",
    "MemoryError",
    "OSError",
    "ValueError",
    "abs",
    "all",
    "any",
    "bool",
    "bytearray",
    "bytes",
    "dict",
    "divmod",
    "enumerate",
    "float",
    "int",
    "isinstance",
    "len",
    "list",
    "max",
    "memoryview",
    "min",
    "range",
    "set",
    "sorted",
    "str",
    "sum",
    "tuple",
    "type",
];
/// What every driver begins with. `chance(n)` is a number from 0 to n - 1 and creates nothing.
const HEAD: &str = "\
space = {'__name__': '__main__'}
def chance(n):
    nonlocal seed
    seed ^= (seed & 0x7fff) << 13
    seed ^= seed >> 17
    seed ^= (seed & 0x7fffff) << 5
    return seed % n
def load(*names):
    exec(compile(program, '<stdin>', 'exec'), space)
    for name in names:
        if name not in space:
            return None
    return space
";

/// The program inside the driver.
pub(crate) fn compose(driver: &str, program: &str) -> String {
    let text = function(driver, program);
    format!("exec(compile({},'{DRIVER_FILE}','exec'),{{'program':{}}})\n", literal(&text), literal(program))
}

/// The driver's text as it is compiled: the lines that the VM names.
pub(crate) fn function(driver: &str, program: &str) -> String {
    let words: Vec<&str> = driver.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let used = BUILTINS.iter().filter(|builtin| words.contains(*builtin));
    let names = ["exec", "compile"].into_iter().chain(used.copied()).collect::<Vec<_>>().join(",");
    let mut text = format!("def drive(program,seed,{names}):\n");
    let mut add = |line: &str| {
        _ = writeln!(text, " {line}");
    };
    HEAD.lines().for_each(&mut add);
    for line in driver.lines() {
        let loads = line.starts_with("program = load(");
        if loads {
            add("from lab import mark, done");
            add(&format!("mark({BEGIN_MARK})"));
        }
        add(line);
        if loads {
            add("if program is None: return");
        }
    }
    add(&format!("mark({END_MARK})"));
    add("done()");
    _ = writeln!(text, "drive(program,{},{names})", seed(program));
    text
}

/// A number of 28 bits that a program cannot hold, because it depends on every letter of it. Not 0.
pub(crate) fn seed(program: &str) -> u32 {
    let hash = Sha256::digest(program);
    (u32::from_le_bytes([hash[0], hash[1], hash[2], hash[3]]) & 0x0FFF_FFFF).max(1)
}

/// A text as a Python literal.
fn literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + text.len() / 8);
    literal.push('\'');
    for c in text.chars() {
        match c {
            '\\' => literal.push_str("\\\\"),
            '\'' => literal.push_str("\\'"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

/// A traceback as the program alone would have it.
pub(crate) fn without_driver(traceback: &str) -> String {
    let of_driver = format!("File \"{DRIVER_FILE}\"");
    if !traceback.contains(&of_driver) {
        return traceback.to_owned();
    }
    let mut outermost = false;
    let kept = traceback.split_inclusive('\n').filter(|line| {
        let first = !outermost && line.contains("File \"<stdin>\", line 1, in <module>");
        outermost |= first;
        !first && !line.contains(&of_driver)
    });
    kept.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_a_text_inside_the_drivers_text() {
        let composed = compose("program = load('tick')\nfor i in range(3):\n    pass\n", "print('a\\n')\r\n");
        assert!(composed.starts_with("exec(compile('def drive(program,seed,exec,compile,range):\\n "), "{composed}");
        assert!(composed.ends_with(",{'program':'print(\\'a\\\\n\\')\\r\\n'})\n"), "{composed}");
        assert_eq!(composed.matches('\n').count(), 1);
    }

    #[test]
    fn the_seed_depends_on_every_letter() {
        assert_ne!(seed("a = 1"), seed("a = 2"));
        assert!((1..1 << 28).contains(&seed("")));
    }

    #[test]
    fn a_traceback_names_lines_of_the_program_alone() {
        let traceback = "Traceback (most recent call last):\r\n  File \"<stdin>\", line 1, in <module>\r\n  File \"driver.py\", line 40, in <module>\r\n  File \"driver.py\", line 31, in drive\r\n  File \"<stdin>\", line 1, in <module>\r\nNameError: name 'a' isn't defined\r\n";
        let expected = "Traceback (most recent call last):\r\n  File \"<stdin>\", line 1, in <module>\r\nNameError: name 'a' isn't defined\r\n";
        assert_eq!(without_driver(traceback), expected);
        assert_eq!(without_driver(expected), expected);
    }
}
