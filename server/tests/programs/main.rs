//! Real things as programs of one's own with their wiring, run as a maker runs them headless: `isrlab run workshop`. What they
//! print must be what the parts did and what the record of the pins shows, whether callbacks are hard or soft.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]

mod contacts;
mod pins;
mod run;
mod signals;

use std::process::Command;

/// Callbacks within the interrupt, and scheduled ones.
const KINDS: [bool; 2] = [true, false];

#[test]
fn what_a_workshop_cannot_run_is_told_with_the_way_out() {
    let told = |arguments: &[&str], locale: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_isrlab"));
        command.args(["run", "workshop"]).args(arguments).env_remove("LC_MESSAGES").env("LC_ALL", locale);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(told(&[], "C").contains("name it by `--program FILE`"));
    assert!(told(&[], "ja_JP.UTF-8").contains("`--program FILE` で指定してください"));
    let set = ["--program", "none.py", "--set", "kind=hard"];
    assert!(told(&set, "C").contains("`--set kind=hard`: only lessons have controls"));
    assert!(told(&set, "ja_JP.UTF-8").contains("設定項目があるのはレッスンだけです"));
}
