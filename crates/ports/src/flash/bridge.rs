//! Lends a board's line to the flashing library.
//!
//! The library wants a serial port of the operating system. It gets the other side of a pseudo-terminal whose bytes and
//! baud rate go over the board's line, whatever kind of line that is. So the line stays ours from the first reset to the
//! live console, a board on another machine is written like one on this machine, and taking the line back ends whatever
//! the library waits for.

use std::io;
use std::os::fd::OwnedFd;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::sync::{oneshot, watch};

use crate::serial::{CONSOLE_BAUD, LineFault, SerialLine, watched};

/// A line that is lent out.
#[derive(Debug)]
pub(super) struct Bridge {
    path: String,
    recall: Option<oneshot::Sender<()>>,
    ended: watch::Receiver<()>,
    task: tokio::task::JoinHandle<(SerialLine, Result<(), LineFault>)>,
}

impl Bridge {
    /// Lends `line` out at [`CONSOLE_BAUD`].
    ///
    /// # Errors
    /// The system's, if it has no pseudo-terminals left.
    pub(super) fn over(line: SerialLine) -> Result<Self, Box<(SerialLine, io::Error)>> {
        let (ours, path) = match pseudo_terminal() {
            Ok(terminal) => terminal,
            Err(error) => return Err(Box::new((line, error))),
        };
        let (recall, recalled) = oneshot::channel();
        let (living, ended) = watch::channel(());
        let task = tokio::spawn(async move {
            let _living = living;
            carry(line, ours, recalled).await
        });
        Ok(Self { path, recall: Some(recall), ended, task })
    }

    /// The path of the port that the library opens.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Waits until the line has failed, or the library has closed its port.
    pub(super) async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// Takes the line back, now, and says whether it lived until then.
    pub(super) async fn recall(mut self) -> (SerialLine, Result<(), LineFault>) {
        if let Some(recall) = self.recall.take() {
            let _ = recall.send(());
        }
        match self.task.await {
            Ok(outcome) => outcome,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

fn pseudo_terminal() -> io::Result<(AsyncFd<OwnedFd>, String)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    // Raw from the start: an echo would send the board's own words back to it.
    let mut settings = tcgetattr(&ours)?;
    settings.make_raw();
    settings.set_speed(CONSOLE_BAUD)?;
    tcsetattr(&ours, OptionalActions::Now, &settings)?;
    rustix::io::ioctl_fionbio(&ours, true)?;
    let path = ptsname(&ours, Vec::new())?.to_string_lossy().into_owned();
    Ok((watched(ours)?, path))
}

async fn carry(
    mut line: SerialLine,
    ours: AsyncFd<OwnedFd>,
    mut recalled: oneshot::Receiver<()>,
) -> (SerialLine, Result<(), LineFault>) {
    let mut baud = CONSOLE_BAUD;
    let mut to_library: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        tokio::select! {
            _ = &mut recalled => return (line, Ok(())),
            bytes = line.read(), if to_library.len() < 64 * 1024 => match bytes {
                Ok(bytes) => to_library.extend(bytes),
                Err(fault) => return (line, Err(fault)),
            },
            guard = ours.writable(), if !to_library.is_empty() => {
                let Ok(mut guard) = guard else { return (line, Ok(())) };
                match guard.try_io(|ours| Ok(rustix::io::write(ours, &to_library)?)) {
                    Ok(Ok(length)) => { to_library.drain(..length); }
                    Ok(Err(_)) => return (line, Ok(())),
                    Err(_would_block) => {}
                }
            }
            guard = ours.readable() => {
                let Ok(mut guard) = guard else { return (line, Ok(())) };
                let length = match guard.try_io(|ours| Ok(rustix::io::read(ours, &mut buffer)?)) {
                    // The library has closed its side.
                    Ok(Err(_) | Ok(0)) => return (line, Ok(())),
                    Ok(Ok(length)) => length,
                    Err(_would_block) => continue,
                };
                // The settings are shared by both sides. The library changes the speed only between a command and the
                // next, so what it has set now is what these bytes are meant for.
                if let Ok(settings) = tcgetattr(ours.get_ref())
                    && settings.output_speed() != baud
                {
                    baud = settings.output_speed();
                    if let Err(fault) = line.set_baud(baud).await {
                        return (line, Err(fault));
                    }
                }
                if let Err(fault) = line.write_all(&buffer[..length]).await {
                    return (line, Err(fault));
                }
            }
        }
    }
}
