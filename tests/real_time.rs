//! The virtual board at a cable keeps our time, whatever its program does: above all while it sleeps.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::virtual_board::VirtualBoard;

/// A port as a program at the host has it open; reads end after a moment.
trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

/// What a sleep may take longer or shorter: 1 % and 2 ms.
fn tolerance(asleep: Duration) -> Duration {
    asleep / 100 + Duration::from_millis(2)
}

/// The program at the host.
struct Host<'a> {
    wire: &'a mut dyn Wire,
    /// What was read and not looked at yet.
    heard: Vec<u8>,
}

impl Host<'_> {
    /// Reads until `wanted` has come and returns when it did. Types `meanwhile` every 20 ms.
    #[track_caller]
    fn await_text(&mut self, wanted: &str, meanwhile: &[u8]) -> Instant {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut typed = Instant::now();
        let mut buffer = [0; 256];
        loop {
            let found = self.heard.windows(wanted.len()).position(|text| text == wanted.as_bytes());
            let now = Instant::now();
            if let Some(at) = found {
                self.heard.drain(..at + wanted.len());
                return now;
            }
            assert!(now < deadline, "{wanted:?} did not come, but {:?}", String::from_utf8_lossy(&self.heard));
            if !meanwhile.is_empty() && now - typed > Duration::from_millis(20) {
                typed = now;
                self.wire.write_all(meanwhile).unwrap();
            }
            match self.wire.read(&mut buffer) {
                Ok(length) => self.heard.extend(&buffer[..length]),
                Err(error) if matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// How long the host sees the board asleep.
    #[track_caller]
    fn seen_asleep(&mut self, asleep: Duration, meanwhile: &[u8]) -> Duration {
        // What the prompt echoes must not look like the answer.
        let line = format!("print('<'+'A>');time.sleep_ms({});print('<'+'B>')\r", asleep.as_millis());
        self.wire.write_all(line.as_bytes()).unwrap();
        let began = self.await_text("<A>", b"");
        let seen = self.await_text("<B>", meanwhile) - began;
        // What was typed meanwhile is thrown away by Ctrl-C at the prompt.
        self.wire.write_all(b"\x03print('on'+'ward')\r").unwrap();
        self.await_text("onward", b"");
        self.await_text(">>> ", b"");
        seen
    }
}

#[track_caller]
fn keeps_our_time(wire: &mut dyn Wire) {
    let mut host = Host { wire, heard: Vec::new() };
    // A board that boots loses what is typed.
    host.await_text(">>> ", b"\r");
    host.wire.write_all(b"\x03import time;print('re'+'ady')\r").unwrap();
    host.await_text("ready", b"");
    // `cargo xtask soak-cable` takes all of them, and each of them more often.
    let soak = std::env::var_os("ISRLAB_CONNECT_ROUNDS").is_some();
    let lengths: &[u64] = if soak { &[1, 2, 5, 10, 30, 100, 300, 1_000, 3_000, 10_000] } else { &[1, 10, 300, 1_000] };
    for (round, meanwhile) in [&b""[..], b"x"].into_iter().cycle().take(if soak { 6 } else { 2 }).enumerate() {
        for asleep in lengths.iter().copied().map(Duration::from_millis) {
            // A busy machine may take any single look at the clock too late; it never makes a clock right by chance.
            let mut seen = Vec::new();
            let kept = (0..5).any(|_| {
                seen.push(host.seen_asleep(asleep, meanwhile));
                seen.last().unwrap().abs_diff(asleep) <= tolerance(asleep)
            });
            println!(
                "round {round}, typing {:?}: asleep for {asleep:?}, seen {seen:?}",
                meanwhile.escape_ascii().to_string()
            );
            assert!(kept, "asleep for {asleep:?}, seen {seen:?}, typing {meanwhile:?}");
        }
    }
}

#[test]
fn a_sleeping_board_keeps_our_time_on_uart0() {
    let board = VirtualBoard::start(&["--pty"]);
    let mut port = board.open();
    serialport::SerialPort::set_timeout(&mut port, Duration::from_millis(5)).unwrap();
    keeps_our_time(&mut port);
}

#[test]
fn a_sleeping_board_keeps_our_time_on_usb() {
    let board = VirtualBoard::start(&["--pty", "--console", "usb"]);
    let mut port = board.open();
    serialport::SerialPort::set_timeout(&mut port, Duration::from_millis(5)).unwrap();
    keeps_our_time(&mut port);
}

#[test]
fn a_sleeping_board_keeps_our_time_over_rfc2217() {
    let board = VirtualBoard::start(&["--rfc2217", "127.0.0.1:0"]);
    // Plain text needs no telnet command, and what the port negotiates looks like no answer of the board.
    let mut stream = TcpStream::connect(board.port.strip_prefix("rfc2217://").unwrap()).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
    keeps_our_time(&mut stream);
}

#[test]
#[cfg(target_os = "linux")]
fn an_idle_board_costs_hardly_any_processor() {
    let board = VirtualBoard::start(&["--pty"]);
    let mut port = board.open();
    crate::virtual_board::ask_until(&mut port, b"\r", ">>>");
    let used = |id: u32| -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        // Fields 14 and 15, user and system time in hundredths of a second; the name before them may hold spaces.
        stat.rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().unwrap())
            .sum()
    };
    std::thread::sleep(Duration::from_secs(1));
    let before = used(board.id());
    std::thread::sleep(Duration::from_secs(10));
    let hundredths = used(board.id()) - before;
    assert!(hundredths < 10, "{hundredths} hundredths of a second in ten");
}
