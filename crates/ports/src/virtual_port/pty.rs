//! Offers the board as a pseudo-terminal: data and baud rate, no modem lines.
//!
//! This end keeps the terminal open itself. So it outlives every program that opens and closes it, no hang-up wakes
//! anybody, and its settings stay raw in between. On Linux, inotify tells who has it open: nothing is written to a closed
//! terminal, and what nobody read is thrown away when the last program closes it. Never at an opening: that is heard of
//! only after the program may have begun to read. Elsewhere the port counts as open all the time.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, QueueSelector, tcflush, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;

use super::{Cable, HostAction};
use crate::serial::watched;

/// A pseudo-terminal whose other side a program may open as a serial port.
#[derive(Debug)]
pub struct PseudoTerminal {
    ours: AsyncFd<OwnedFd>,
    theirs: OwnedFd,
    path: PathBuf,
    openings: openings::Openings,
}

impl PseudoTerminal {
    /// Makes one, at 115200 baud. Needs a tokio runtime.
    ///
    /// # Errors
    /// The system's, if it has no pseudo-terminals left.
    pub fn open() -> io::Result<Self> {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&ours)?;
        unlockpt(&ours)?;
        let path = PathBuf::from(ptsname(&ours, Vec::new())?.to_string_lossy().into_owned());
        let theirs = rustix::fs::open(
            &path,
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        // Raw from the start: an echo would send the board's own words back to it.
        let mut settings = tcgetattr(&theirs)?;
        settings.make_raw();
        settings.set_speed(115_200)?;
        tcsetattr(&theirs, OptionalActions::Now, &settings)?;
        rustix::io::ioctl_fionbio(&ours, true)?;
        let openings = openings::Openings::watch(&path)?;
        Ok(Self { ours: watched(ours)?, theirs, path, openings })
    }

    /// The path that programs open.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Carries bytes between the terminal and the cable until the future is dropped.
    ///
    /// # Errors
    /// The system's, if the terminal fails; closing it at the other side is no failure.
    pub async fn serve(mut self, cable: Arc<Cable>) -> io::Result<()> {
        cable.set_connected(self.openings.is_open());
        let mut baud = 0;
        let mut output: Vec<u8> = Vec::new();
        let mut buffer = [0; 4096];
        let mut received = 0;
        loop {
            // Before what was received is passed on: who sent it has opened the port before that, and waits for the answer.
            let change = self.openings.take_change()?;
            if change.closed {
                // What nobody read belongs to the past.
                output.clear();
                if !self.openings.is_open() {
                    tcflush(&self.theirs, QueueSelector::IFlush)?;
                }
            }
            if change.closed || change.opened {
                cable.set_connected(self.openings.is_open());
            }
            if received > 0 {
                // The terminal's settings are shared by both sides: this is what the program has set by now.
                let now = tcgetattr(self.ours.get_ref())?.output_speed();
                if now != baud {
                    baud = now;
                    cable.send(HostAction::BaudRate(baud));
                }
                cable.send(HostAction::Data(buffer[..received].to_vec()));
                received = 0;
            }
            tokio::select! {
                ready = self.openings.wait() => ready?,
                guard = self.ours.readable(), if cable.has_room() => {
                    let mut guard = guard?;
                    if let Ok(length) = guard.try_io(|ours| Ok(rustix::io::read(ours, &mut buffer)?)) {
                        received = length?;
                    }
                }
                () = cable.room(), if !cable.has_room() => {}
                bytes = cable.receive(4096), if output.is_empty() => output = bytes,
                guard = self.ours.writable(), if !output.is_empty() => {
                    let mut guard = guard?;
                    match guard.try_io(|ours| Ok(rustix::io::write(ours, &output)?)) {
                        Ok(Ok(length)) => { output.drain(..length); }
                        Ok(Err(error)) if error.raw_os_error() == Some(Errno::INTR.raw_os_error()) => {}
                        Ok(Err(error)) => return Err(error),
                        Err(_would_block) => {}
                    }
                }
            }
        }
    }
}

/// What programs have done with the terminal.
#[derive(Clone, Copy, Debug, Default)]
struct Change {
    /// It was closed and somebody opened it.
    opened: bool,
    /// The last one who had it open closed it, whether or not somebody has opened it again since.
    closed: bool,
}

#[cfg(target_os = "linux")]
mod openings {
    //! Counts how often the terminal is open, by inotify.

    use std::io;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use rustix::io::Errno;
    use tokio::io::unix::AsyncFd;

    use super::Change;
    use crate::serial::watched;

    #[derive(Debug)]
    pub(super) struct Openings {
        events: AsyncFd<OwnedFd>,
        count: usize,
    }

    impl Openings {
        pub(super) fn watch(path: &Path) -> io::Result<Self> {
            let events = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            inotify::add_watch(&events, path, WatchFlags::OPEN | WatchFlags::CLOSE_WRITE | WatchFlags::CLOSE_NOWRITE)?;
            Ok(Self { events: watched(events)?, count: 0 })
        }

        pub(super) fn is_open(&self) -> bool {
            self.count > 0
        }

        /// Waits until somebody opened or closed the terminal.
        pub(super) async fn wait(&self) -> io::Result<()> {
            // Cleared before the events are taken: one that comes meanwhile wakes again.
            self.events.readable().await?.clear_ready();
            Ok(())
        }

        /// What has happened since the last call.
        pub(super) fn take_change(&mut self) -> io::Result<Change> {
            let mut change = Change::default();
            let mut buffer = [MaybeUninit::uninit(); 1024];
            let mut reader = inotify::Reader::new(self.events.get_ref(), &mut buffer);
            loop {
                match reader.next() {
                    Ok(event) if event.events().contains(ReadFlags::OPEN) => {
                        change.opened |= self.count == 0;
                        self.count += 1;
                    }
                    Ok(event) if event.events().intersects(ReadFlags::CLOSE_WRITE | ReadFlags::CLOSE_NOWRITE) => {
                        change.closed |= self.count == 1;
                        self.count = self.count.saturating_sub(1);
                    }
                    Ok(_) => {}
                    Err(Errno::AGAIN) => return Ok(change),
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod openings {
    //! Without inotify nobody tells; the terminal counts as open.

    use std::io;
    use std::path::Path;

    use super::Change;

    #[derive(Debug)]
    pub(super) struct Openings;

    impl Openings {
        pub(super) fn watch(_: &Path) -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn is_open(&self) -> bool {
            true
        }

        pub(super) async fn wait(&self) -> io::Result<()> {
            std::future::pending().await
        }

        pub(super) fn take_change(&mut self) -> io::Result<Change> {
            Ok(Change::default())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::time::Duration;

    use super::*;
    use crate::virtual_port::cable::tests::EchoBoard;

    fn open_as_a_tool_does(path: &Path, baud: u32) -> serialport::TTYPort {
        serialport::new(path.to_string_lossy(), baud).timeout(Duration::from_secs(5)).open_native().unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn programs_open_and_close_it_as_often_as_they_like() {
        let board = EchoBoard::start();
        let terminal = PseudoTerminal::open().unwrap();
        let path = terminal.path().to_owned();
        let server = tokio::spawn(terminal.serve(board.cable()));
        tokio::task::spawn_blocking(move || {
            for round in 0..10u8 {
                let mut port = open_as_a_tool_does(&path, 921_600);
                let sent: Vec<u8> = (0..=255).map(|byte: u8| byte.wrapping_add(round)).collect();
                port.write_all(&sent).unwrap();
                let mut received = vec![0; sent.len()];
                port.read_exact(&mut received).unwrap();
                assert_eq!(received, sent);
            }
        })
        .await
        .unwrap();
        server.abort();
        let actions = board.stop();
        assert!(actions.contains(&HostAction::BaudRate(921_600)), "{actions:?}");
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread")]
    async fn what_comes_right_after_opening_the_port_reaches_the_program_whole() {
        let board = EchoBoard::start();
        let terminal = PseudoTerminal::open().unwrap();
        let path = terminal.path().to_owned();
        let server = tokio::spawn(terminal.serve(board.cable()));
        tokio::task::spawn_blocking(move || {
            for round in 0..200u32 {
                // One tool after the other, without a pause, and the first leaves output unread.
                let mut first = open_as_a_tool_does(&path, 115_200);
                first.write_all(b"left behind").unwrap();
                drop(first);
                let mut port = open_as_a_tool_does(&path, 115_200);
                let question = format!("question {round}");
                port.write_all(question.as_bytes()).unwrap();
                let mut heard = String::new();
                while !heard.ends_with(&question) {
                    let mut byte = [0];
                    port.read_exact(&mut byte).unwrap();
                    heard.push(char::from(byte[0]));
                }
            }
            board.stop();
        })
        .await
        .unwrap();
        server.abort();
    }

    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread")]
    async fn a_program_finds_no_output_from_before_it_opened_the_port() {
        let board = EchoBoard::start();
        let terminal = PseudoTerminal::open().unwrap();
        let path = terminal.path().to_owned();
        let server = tokio::spawn(terminal.serve(board.cable()));
        tokio::task::spawn_blocking(move || {
            for _ in 0..3 {
                board.wait_until_connected(false);
                board.cable().put_output(&[b'-'; 100_000]);
                let mut port = open_as_a_tool_does(&path, 115_200);
                board.wait_until_connected(true);
                port.write_all(b"now").unwrap();
                let mut received = [0; 3];
                port.read_exact(&mut received).unwrap();
                assert_eq!(&received, b"now");
                // Leaves with output unread.
                board.cable().put_output(&[b'-'; 100_000]);
            }
            board.stop();
        })
        .await
        .unwrap();
        server.abort();
    }
}
