//! Where the host refuses executable memory (systemd's MemoryDenyWriteExecute sets `PR_SET_MDWE`), the
//! block engine runs, and says so.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "there is no safe way to ask for PR_SET_MDWE")]

use std::ffi::{c_int, c_ulong};
use std::process::Command;

use emulator::{Config, EngineKind, Machine};

/// Tells the test that it is to refuse itself executable memory, which cannot be taken back.
const REFUSE: &str = "ISRLAB_TEST_REFUSE_EXECUTABLE_MEMORY";
const NAME: &str = "the_block_engine_runs_where_executable_memory_is_refused";
/// From the kernel's `prctl.h`.
const PR_SET_MDWE: c_int = 65;
const PR_MDWE_REFUSE_EXEC_GAIN: c_ulong = 1;

unsafe extern "C" {
    fn prctl(option: c_int, ...) -> c_int;
}

#[test]
fn the_block_engine_runs_where_executable_memory_is_refused() {
    if std::env::var_os(REFUSE).is_none() {
        let mut again = Command::new(std::env::current_exe().unwrap());
        let output = again.args(["--exact", NAME, "--nocapture"]).env(REFUSE, "1").output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        return;
    }
    // SAFETY: the call only takes numbers.
    let refused = unsafe { prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0 as c_ulong, 0 as c_ulong, 0 as c_ulong) };
    if refused != 0 {
        eprintln!("skipped: this kernel has no PR_SET_MDWE (Linux 6.3 has)");
        return;
    }
    assert_eq!(EngineKind::Traces.available(), EngineKind::Block);
    let mut machine = Machine::new(Config::default());
    assert_eq!(machine.engine_kind(), EngineKind::Block);
    machine.run_instructions(100_000);
    assert_eq!(machine.fork().engine_kind(), EngineKind::Block);
    let mut plain = Machine::new(Config { engine: EngineKind::Plain, ..Config::default() });
    plain.run_instructions(100_000);
    assert_eq!(machine.state_hash(), plain.state_hash());
}

#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn traces_run_where_it_is_not_refused() {
    if std::env::var_os(REFUSE).is_none() {
        assert_eq!(Machine::new(Config::default()).engine_kind(), EngineKind::Traces);
    }
}
