//! A PostgreSQL of a test's own: its data in a folder that goes with it, reached by a socket in that folder and by nobody else.
//!
//! It needs Debian's package `postgresql`, or its programs anywhere in PATH. PostgreSQL refuses to run as root, so that a test
//! that does drops to another user for it. However the test ends, it ends: it is told when the thread that started it is gone.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it has no database")]

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

/// Whom Debian's systems let own nothing.
const NOBODY: u32 = 65534;
/// How long it may take to start and to end, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A database server. Dropping it ends it.
#[derive(Debug)]
pub struct TestPostgres {
    folder: TempDir,
    process: Option<Child>,
}

impl TestPostgres {
    /// Makes a server with an empty database, and starts it.
    ///
    /// # Panics
    /// PostgreSQL is not installed, or does not start.
    #[must_use]
    pub fn start() -> Self {
        // The path of a socket has 107 bytes at most, so a short one of the system's own.
        let folder = tempfile::Builder::new().prefix("pg").tempdir_in("/tmp").unwrap();
        if geteuid().is_root() {
            chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let mut made = program("initdb");
        made.args(["--auth=trust", "--username=isrlab", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
        let made = made.arg(folder.path().join("data")).output().unwrap();
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        let mut postgres = Self { folder, process: None };
        postgres.start_again();
        postgres
    }

    /// Starts it after [`Self::stop`].
    ///
    /// # Panics
    /// It does not start.
    pub fn start_again(&mut self) {
        let data = self.folder.path().join("data");
        let log = std::fs::File::create(self.folder.path().join("log")).unwrap();
        let mut server = program("postgres");
        server.arg("-D").arg(&data).arg("-k").arg(self.folder.path());
        // A test's data need not outlive a power cut.
        for setting in ["listen_addresses=", "fsync=off", "shared_buffers=16MB", "max_connections=60"] {
            server.args(["-c", setting]);
        }
        self.process = Some(server.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        let since = Instant::now();
        // The last line of the file says when connections are accepted (src/include/utils/pidfile.h).
        let is_ready = || {
            let said = std::fs::read_to_string(data.join("postmaster.pid")).unwrap_or_default();
            said.lines().nth(7).is_some_and(|line| line.trim_end() == "ready")
        };
        while !is_ready() {
            let log = || std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
            assert!(since.elapsed() < PATIENCE, "PostgreSQL does not start: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once, connections and all, as an operator who restarts it does.
    ///
    /// # Panics
    /// It does not end.
    pub fn stop(&mut self) {
        self.signal(Signal::INT);
    }

    /// The folder of its data and log, to look for bytes in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where it is, for `--database`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres://isrlab@/postgres?host={}", self.folder.path().display())
    }

    fn signal(&mut self, signal: Signal) {
        let Some(mut process) = self.process.take() else { return };
        _ = kill_process(Pid::from_child(&process), signal);
        let since = Instant::now();
        while matches!(process.try_wait(), Ok(None)) {
            assert!(since.elapsed() < PATIENCE, "PostgreSQL does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for TestPostgres {
    fn drop(&mut self) {
        self.signal(Signal::QUIT);
    }
}

/// A program of PostgreSQL's, as another user than root, told to end with the thread that starts it.
fn program(name: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if geteuid().is_root() {
        let nobody = NOBODY.to_string();
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
    }
    command.arg(path(name)).current_dir("/").stdin(Stdio::null());
    command
}

/// Where a program of PostgreSQL's is: Debian keeps those of each version apart, and not in PATH.
fn path(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            let path = version.path().join("bin").join(name);
            path.is_file().then_some((number, path))
        })
        .collect();
    found.sort_unstable();
    found.pop().map_or_else(|| PathBuf::from(name), |(_, path)| path)
}
