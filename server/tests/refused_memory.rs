//! Where the host refuses executable memory (systemd's MemoryDenyWriteExecute sets `PR_SET_MDWE`), the program says that
//! its boards have the block engine, and measures the same.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may")]
#![allow(unsafe_code, reason = "there is no safe way to ask for PR_SET_MDWE")]

use std::ffi::{c_int, c_ulong};
use std::process::Command;

use serde_json::Value;

/// Tells the test that it is to refuse itself and its children executable memory, which cannot be taken back.
const REFUSE: &str = "ISRLAB_TEST_REFUSE_EXECUTABLE_MEMORY";
const NAME: &str = "without_executable_memory_the_block_engine_measures_the_same_and_is_named";
/// From the kernel's `prctl.h`.
const PR_SET_MDWE: c_int = 65;
const PR_MDWE_REFUSE_EXEC_GAIN: c_ulong = 1;

unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
}

fn isrlab(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_isrlab")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn version() -> Value {
    serde_json::from_str(&isrlab(&["--version", "--json"])).unwrap()
}

const RUN: [&str; 5] = ["run", "lost-update", "--seconds", "1", "--json"];

#[test]
fn without_executable_memory_the_block_engine_measures_the_same_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let Some(file) = std::env::var_os(REFUSE) else {
        let file = folder.path().join("run.json");
        let mut again = Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", NAME, "--nocapture"]).env(REFUSE, &file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        if let Ok(measured) = std::fs::read_to_string(&file) {
            assert_eq!(measured, isrlab(&RUN));
        }
        return;
    };
    // SAFETY: the call only takes numbers.
    let refused = unsafe { prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0 as c_ulong, 0 as c_ulong, 0 as c_ulong) };
    if refused != 0 {
        eprintln!("skipped: this kernel has no PR_SET_MDWE (Linux 6.3 has)");
        return;
    }
    let engine = &version()["engine"];
    assert_eq!(*engine, serde_json::json!({ "available": ["block"], "used": "block" }));
    std::fs::write(file, isrlab(&RUN)).unwrap();
}

#[test]
fn the_version_says_what_decides_a_run() {
    if std::env::var_os(REFUSE).is_some() {
        return;
    }
    let version = version();
    let report: Value = serde_json::from_str(&isrlab(&RUN)).unwrap();
    assert_eq!(version["board"], report["version"]);
    assert_eq!(version["board"]["timing"], "silicon");
    assert_eq!(isrlab(&["--version"]), format!("isrlab {}\n", version["version"].as_str().unwrap()));
    if cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        assert_eq!(version["engine"], serde_json::json!({ "available": ["traces", "block"], "used": "traces" }));
    }
    // The other engine changes nothing, the other model of time does.
    assert_eq!(isrlab(&[&RUN[..], &["--engine", "block"]].concat()), isrlab(&RUN));
    let unit: Value = serde_json::from_str(&isrlab(&[&RUN[..], &["--timing", "unit"]].concat())).unwrap();
    assert_eq!(
        (&unit["version"]["timing"], &unit["version"]["firmware"]),
        (&"unit".into(), &version["board"]["firmware"])
    );
    assert_ne!(unit["counters"], report["counters"]);
}
