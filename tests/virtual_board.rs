//! `isrlab virtual` as another program starts it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serialport::SerialPort;

use crate::foreign::isrlab;

/// A running `isrlab virtual`. Killed when it is dropped.
pub(crate) struct VirtualBoard {
    process: Child,
    /// The first line that it printed.
    pub(crate) port: String,
}

impl VirtualBoard {
    /// Starts one and waits for its port.
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut process = Command::new(isrlab())
            .arg("virtual")
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut port).unwrap();
        if port.is_empty() {
            let mut said = String::new();
            process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
            panic!("no port from isrlab virtual {arguments:?}: {said}");
        }
        Self { process, port: port.trim_end().to_owned() }
    }

    /// The process number.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Ends it as Ctrl-C does and waits until it has saved its flash.
    #[track_caller]
    pub(crate) fn interrupt(mut self) -> ExitStatus {
        assert!(Command::new("kill").args(["-INT", &self.id().to_string()]).status().unwrap().success());
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = self.process.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "isrlab virtual does not end");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Opens the pseudo-terminal as a program would.
    #[track_caller]
    pub(crate) fn open(&self) -> serialport::TTYPort {
        serialport::new(&self.port, 115_200).timeout(Duration::from_millis(200)).open_native().unwrap()
    }
}

impl Drop for VirtualBoard {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A flash file with these contents at the beginning and the rest blank.
pub(crate) fn flash_file(folder: &Path, contents: &[u8]) -> String {
    let mut flash = contents.to_vec();
    flash.resize(4 << 20, 0xFF);
    let path = folder.join("flash.bin");
    std::fs::write(&path, flash).unwrap();
    path.into_os_string().into_string().unwrap()
}

/// Sends `question` now and then until `wanted` has come; fails with what came instead. A board that boots loses the
/// first questions.
#[track_caller]
pub(crate) fn ask_until(port: &mut dyn SerialPort, question: &[u8], wanted: &str) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        port.write_all(question).unwrap();
        let pause = Instant::now() + Duration::from_millis(300);
        while Instant::now() < pause {
            match port.read(&mut buffer) {
                Ok(length) => text.extend(&buffer[..length]),
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {}
                Err(error) => panic!("{error}, after {:?}", String::from_utf8_lossy(&text)),
            }
            let said = String::from_utf8_lossy(&text);
            if said.contains(wanted) {
                return said.into_owned();
            }
        }
        assert!(Instant::now() < deadline, "{wanted:?} did not come, but {:?}", String::from_utf8_lossy(&text));
    }
}
