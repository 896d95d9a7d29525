//! An open serial line to a board: a port of this machine, or one of another machine over RFC 2217.

use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serialport::{ClearBuffer, SerialPort as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_serial::{SerialPortBuilderExt as _, SerialStream};
pub use workbench::line::CONSOLE_BAUD;
use workbench::state::BoardFault;

use super::discovery;
use crate::rfc2217::client::{ConnectError, Connection};

/// How long the chip is held in reset: longer than any board's RC element on EN needs (esptool uses the same).
const RESET_PULSE: Duration = Duration::from_millis(100);
/// How long a port of this machine may refuse bytes before it counts as dead.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a board's serial line is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PortAddress {
    /// A device of this machine, by its path or name.
    Local(String),
    /// `host:port` of an RFC 2217 server.
    Network(String),
}

impl fmt::Display for PortAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => formatter.write_str(path),
            Self::Network(address) => write!(formatter, "rfc2217://{address}"),
        }
    }
}

impl Serialize for PortAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that names neither a port nor a remote port.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no port; write a path such as /dev/ttyUSB0, or rfc2217://host:port")]
pub struct NotAPort(String);

impl FromStr for PortAddress {
    type Err = NotAPort;

    fn from_str(text: &str) -> Result<Self, NotAPort> {
        let wrong = || NotAPort(text.to_owned());
        if let Some(address) = text.strip_prefix("rfc2217://") {
            // Options that other tools take ("?ign_set_control") mean nothing here.
            let address = address.split(['?', '/']).next().unwrap_or(address);
            let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
            if host.is_empty() || port.parse::<u16>().is_err() {
                return Err(wrong());
            }
            return Ok(Self::Network(address.to_owned()));
        }
        let windows_port = text.strip_prefix("COM").is_some_and(|number| number.parse::<u8>().is_ok());
        if text.starts_with('/') || windows_port { Ok(Self::Local(text.to_owned())) } else { Err(wrong()) }
    }
}

/// Why a line cannot be opened, or has ended.
#[derive(Debug, thiserror::Error)]
pub enum LineFault {
    /// Nothing is plugged in there.
    #[error("there is no port {0}")]
    Absent(PortAddress),
    /// This user may not open it.
    #[error("no permission to open {port}")]
    NoPermission {
        /// The port.
        port: PortAddress,
        /// The command that mends it.
        command: String,
    },
    /// Another program has it.
    #[error("{port} is in use by {}", by.as_deref().unwrap_or("another program"))]
    Busy {
        /// The port.
        port: PortAddress,
        /// The program, if the system tells.
        by: Option<String>,
    },
    /// The machine that has the port, or its server, is not there.
    #[error("{0}")]
    Unreachable(#[from] ConnectError),
    /// It was there and is gone.
    #[error("{port} was unplugged or its connection was lost ({source})")]
    Lost {
        /// The port.
        port: PortAddress,
        /// What the system says.
        source: io::Error,
    },
}

impl LineFault {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Absent(_) => "port-absent",
            Self::NoPermission { .. } => "port-permission",
            Self::Busy { .. } => "port-busy",
            Self::Unreachable(_) => "port-unreachable",
            Self::Lost { .. } => "port-lost",
        }
    }

    /// What to try.
    #[must_use]
    pub fn advice(&self) -> String {
        match self {
            Self::Absent(_) => "Plug the board in with a cable that carries data, or see `isrlab boards`.".to_owned(),
            Self::NoPermission { command, .. } => format!("Run: {command}"),
            Self::Busy { .. } => "Close that program, then try again.".to_owned(),
            Self::Unreachable(_) => {
                "Check that the other machine is on, that its port server runs, and that nobody else uses the port."
                    .to_owned()
            }
            Self::Lost { .. } => "Plug the board in again, then try again.".to_owned(),
        }
    }
}

impl From<&LineFault> for BoardFault {
    fn from(fault: &LineFault) -> Self {
        let (command, program) = match fault {
            LineFault::NoPermission { command, .. } => (Some(command.clone()), None),
            LineFault::Busy { by, .. } => (None, by.clone()),
            LineFault::Absent(_) | LineFault::Unreachable(_) | LineFault::Lost { .. } => (None, None),
        };
        Self { command, program, ..Self::plain(fault.code(), fault) }
    }
}

/// Nothing is plugged in at a port of this machine.
#[must_use]
pub fn absent(port: String) -> BoardFault {
    (&LineFault::Absent(PortAddress::Local(port))).into()
}

/// How a chip is reset over its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResetLines {
    /// DTR and RTS drive GPIO0/GPIO9 and EN through the two transistors of the usual circuit.
    Classic,
    /// The USB-serial-JTAG unit takes DTR and RTS as commands.
    UsbSerialJtag,
    /// The line has no modem lines, as on a pseudo-terminal.
    None,
}

enum Kind {
    Local(SerialStream),
    Network(Connection),
}

/// An open line. Reading is cancel-safe; the line is exclusively ours while it lives.
pub struct SerialLine {
    kind: Kind,
    address: PortAddress,
    reset_lines: ResetLines,
}

impl fmt::Debug for SerialLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SerialLine").field("address", &self.address).finish_non_exhaustive()
    }
}

impl SerialLine {
    /// Opens a line at `baud`, 8 data bits, no parity, 1 stop bit. The chip is not reset by that.
    ///
    /// # Errors
    /// [`LineFault`], which says why and what to try.
    pub async fn open(address: &PortAddress, baud: u32, product_id: Option<u16>) -> Result<Self, LineFault> {
        match address {
            PortAddress::Network(remote) => {
                let mut connection = Connection::open(remote, baud).await?;
                let lost = |source| LineFault::Lost { port: address.clone(), source };
                // As a local port does when it is opened. DTR first: RTS alone would hold the chip in reset.
                connection.set_dtr(true).await.map_err(lost)?;
                connection.set_rts(true).await.map_err(lost)?;
                let kind = Kind::Network(connection);
                Ok(Self { kind, address: address.clone(), reset_lines: ResetLines::Classic })
            }
            PortAddress::Local(path) => {
                let mut port = serialport::new(path, baud)
                    .open_native_async()
                    .map_err(|error| open_fault(address, path, &error))?;
                let reset_lines = if port.write_data_terminal_ready(true).is_err() {
                    ResetLines::None
                } else if product_id.and_then(|id| discovery::Bridge::identify(0x303A, id))
                    == Some(discovery::Bridge::UsbSerialJtag)
                {
                    ResetLines::UsbSerialJtag
                } else {
                    ResetLines::Classic
                };
                Ok(Self { kind: Kind::Local(port), address: address.clone(), reset_lines })
            }
        }
    }

    /// Where the line leads.
    #[must_use]
    pub fn address(&self) -> &PortAddress {
        &self.address
    }

    /// How the chip can be reset.
    #[must_use]
    pub fn reset_lines(&self) -> ResetLines {
        self.reset_lines
    }

    /// Waits for bytes; never returns none. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`LineFault::Lost`].
    pub async fn read(&mut self) -> Result<Vec<u8>, LineFault> {
        let outcome = match &mut self.kind {
            Kind::Local(port) => {
                let mut buffer = vec![0; 4096];
                port.read(&mut buffer).await.map(|length| {
                    buffer.truncate(length);
                    buffer
                })
            }
            Kind::Network(connection) => connection.read().await,
        };
        match outcome {
            Ok(bytes) if bytes.is_empty() => Err(self.lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(self.lost(error)),
        }
    }

    /// Sends bytes.
    ///
    /// # Errors
    /// [`LineFault::Lost`], also when the line takes nothing for a long time.
    pub async fn write_all(&mut self, bytes: &[u8]) -> Result<(), LineFault> {
        let outcome = match &mut self.kind {
            Kind::Local(port) => match tokio::time::timeout(SEND_TIMEOUT, port.write_all(bytes)).await {
                Ok(outcome) => outcome,
                Err(elapsed) => Err(elapsed.into()),
            },
            Kind::Network(connection) => connection.write_all(bytes).await,
        };
        outcome.map_err(|error| self.lost(error))
    }

    /// Changes this end's speed, in bits per second.
    ///
    /// # Errors
    /// [`LineFault::Lost`].
    pub async fn set_baud(&mut self, baud: u32) -> Result<(), LineFault> {
        let outcome = match &mut self.kind {
            Kind::Local(port) => port.set_baud_rate(baud).map_err(io::Error::from),
            Kind::Network(connection) => connection.set_baud(baud).await,
        };
        outcome.map_err(|error| self.lost(error))
    }

    /// Drops what has arrived and was not read.
    ///
    /// # Errors
    /// [`LineFault::Lost`].
    pub async fn clear_input(&mut self) -> Result<(), LineFault> {
        let outcome = match &mut self.kind {
            Kind::Local(port) => port.clear(ClearBuffer::Input).map_err(io::Error::from),
            Kind::Network(connection) => connection.clear_input().await,
        };
        outcome.map_err(|error| self.lost(error))
    }

    /// Resets the chip so that it boots from flash; `false` if the line has no means to do so.
    ///
    /// # Errors
    /// [`LineFault::Lost`].
    pub async fn reset_into_flash(&mut self) -> Result<bool, LineFault> {
        if self.reset_lines == ResetLines::None {
            return Ok(false);
        }
        // DTR released: GPIO0/GPIO9 is high, the chip boots from flash. RTS asserted: EN is low.
        self.set_dtr(false).await?;
        self.set_rts(true).await?;
        tokio::time::sleep(RESET_PULSE).await;
        self.set_rts(false).await?;
        Ok(true)
    }

    /// Resets the chip into its ROM's download mode; `false` if the line has no means to do so.
    ///
    /// # Errors
    /// [`LineFault::Lost`].
    pub async fn reset_into_download(&mut self) -> Result<bool, LineFault> {
        match self.reset_lines {
            ResetLines::None => return Ok(false),
            ResetLines::Classic => {
                self.set_dtr(false).await?;
                self.set_rts(true).await?;
                tokio::time::sleep(RESET_PULSE).await;
                // GPIO0/GPIO9 low before EN goes high: the chip samples it as it leaves reset.
                self.set_dtr(true).await?;
                self.set_rts(false).await?;
                tokio::time::sleep(Duration::from_millis(50)).await;
                self.set_dtr(false).await?;
            }
            ResetLines::UsbSerialJtag => {
                // The unit latches "boot into download" from DTR while it leaves (1,1) for (0,1), ESP-IDF's own order.
                self.set_rts(false).await?;
                self.set_dtr(false).await?;
                tokio::time::sleep(RESET_PULSE).await;
                self.set_dtr(true).await?;
                self.set_rts(false).await?;
                tokio::time::sleep(RESET_PULSE).await;
                self.set_rts(true).await?;
                self.set_dtr(false).await?;
                self.set_rts(true).await?;
                tokio::time::sleep(RESET_PULSE).await;
                self.set_dtr(false).await?;
                self.set_rts(false).await?;
            }
        }
        Ok(true)
    }

    async fn set_dtr(&mut self, asserted: bool) -> Result<(), LineFault> {
        let outcome = match &mut self.kind {
            Kind::Local(port) => port.write_data_terminal_ready(asserted).map_err(io::Error::from),
            Kind::Network(connection) => connection.set_dtr(asserted).await,
        };
        outcome.map_err(|error| self.lost(error))
    }

    async fn set_rts(&mut self, asserted: bool) -> Result<(), LineFault> {
        let outcome = match &mut self.kind {
            Kind::Local(port) => port.write_request_to_send(asserted).map_err(io::Error::from),
            Kind::Network(connection) => connection.set_rts(asserted).await,
        };
        outcome.map_err(|error| self.lost(error))
    }

    fn lost(&self, source: io::Error) -> LineFault {
        LineFault::Lost { port: self.address.clone(), source }
    }
}

/// Tells the reasons apart for which a port of this machine does not open.
pub(super) fn open_fault(address: &PortAddress, path: &str, error: &serialport::Error) -> LineFault {
    use serialport::ErrorKind;
    let port = address.clone();
    match error.kind() {
        ErrorKind::Io(io::ErrorKind::PermissionDenied) => {
            #[cfg(unix)]
            let command = discovery::permission_command(Path::new(path));
            #[cfg(not(unix))]
            let command = format!("close the program that uses {path}");
            LineFault::NoPermission { port, command }
        }
        ErrorKind::NoDevice if Path::new(path).exists() => {
            LineFault::Busy { port, by: discovery::holder(Path::new(path)) }
        }
        ErrorKind::NoDevice | ErrorKind::Io(io::ErrorKind::NotFound) => LineFault::Absent(port),
        // The driver may say "busy" in more than one way; what holds the port is the better witness.
        _ => match discovery::holder(Path::new(path)) {
            Some(by) => LineFault::Busy { port, by: Some(by) },
            None => LineFault::Lost { port, source: io::Error::other(error.to_string()) },
        },
    }
}

/// Lets the runtime watch a file descriptor.
#[cfg(unix)]
#[allow(unsafe_code)]
pub(crate) fn watched(fd: std::os::fd::OwnedFd) -> io::Result<tokio::io::unix::AsyncFd<std::os::fd::OwnedFd>> {
    // SAFETY: an `OwnedFd` stays open, and the same file, for as long as the `AsyncFd` that owns it lives.
    unsafe { tokio::io::unix::AsyncFd::register(fd) }.map_err(io::Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_written_as_other_tools_write_them() {
        let local = |text: &str| PortAddress::Local(text.to_owned());
        let network = |text: &str| PortAddress::Network(text.to_owned());
        assert_eq!("/dev/ttyUSB0".parse(), Ok(local("/dev/ttyUSB0")));
        assert_eq!("COM7".parse(), Ok(local("COM7")));
        assert_eq!("rfc2217://lab-3.school:4000".parse(), Ok(network("lab-3.school:4000")));
        assert_eq!("rfc2217://127.0.0.1:4000?ign_set_control".parse(), Ok(network("127.0.0.1:4000")));
        assert_eq!("rfc2217://[::1]:4000".parse(), Ok(network("[::1]:4000")));
        for wrong in ["", "ttyUSB0", "rfc2217://host", "rfc2217://:1", "rfc2217://host:99999", "http://host:1", "COMx"]
        {
            assert!(wrong.parse::<PortAddress>().is_err(), "{wrong}");
        }
        assert_eq!(network("h:1").to_string().parse(), Ok(network("h:1")));
    }

    #[tokio::test]
    async fn a_port_that_is_not_there_is_told_apart_from_one_that_is_busy() {
        let absent = SerialLine::open(&"/dev/ttyUSB250".parse().unwrap(), CONSOLE_BAUD, None).await.unwrap_err();
        assert_eq!(absent.code(), "port-absent", "{absent}");
        let nobody = SerialLine::open(&"rfc2217://127.0.0.1:1".parse().unwrap(), CONSOLE_BAUD, None).await.unwrap_err();
        assert_eq!(nobody.code(), "port-unreachable", "{nobody}");

        let (_ours, theirs) = serialport::TTYPort::pair().unwrap();
        let path = theirs.name().unwrap();
        drop(theirs);
        let first = SerialLine::open(&path.parse().unwrap(), CONSOLE_BAUD, None).await.unwrap();
        assert_eq!(first.reset_lines(), ResetLines::None);
        let busy = SerialLine::open(&path.parse().unwrap(), CONSOLE_BAUD, None).await.unwrap_err();
        assert_eq!(busy.code(), "port-busy", "{busy}");
        drop(first);
        SerialLine::open(&path.parse().unwrap(), CONSOLE_BAUD, None).await.unwrap();
    }
}
