//! A serial port on another machine: one TCP connection, driven as a client.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::com_port::{Buffers, Control, Message};
use super::{ClientEvent, ClientSession};

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long the server may take to answer a request, which may wait behind data.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(6);
/// Bytes from the device that are kept while an answer is awaited. A port at 2 Mbaud brings fewer until it times out.
const KEPT_BYTES: usize = 2 << 20;
/// Bytes that come before the server has agreed to be a port: the device may be talking already.
const KEPT_BEFORE_BYTES: usize = 64 * 1024;
/// How long the server may refuse to take data.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a remote port cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// No TCP connection.
    #[error("cannot connect to {address}: {source}")]
    Connect {
        /// Host and port.
        address: String,
        /// What the system says.
        source: io::Error,
    },
    /// Something listens there, but it serves no serial port.
    #[error("{address} does not answer as a serial port server (RFC 2217); it said {said:?}")]
    NotAPort {
        /// Host and port.
        address: String,
        /// The first bytes it sent, as text.
        said: String,
    },
}

/// An open remote port: 8 data bits, no parity, 1 stop bit.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    session: ClientSession,
    /// Data that came while an answer was awaited.
    data: VecDeque<u8>,
}

impl Connection {
    /// Connects to `host:port` and sets the port up.
    ///
    /// # Errors
    /// [`ConnectError`]; an occupied port closes the connection or stays silent and counts as [`ConnectError::NotAPort`].
    pub async fn open(address: &str, baud: u32) -> Result<Self, ConnectError> {
        let failed = |source| ConnectError::Connect { address: address.to_owned(), source };
        let stream = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(address))
            .await
            .map_err(|_| failed(io::ErrorKind::TimedOut.into()))?
            .map_err(failed)?;
        stream.set_nodelay(true).map_err(failed)?;
        socket2::SockRef::from(&stream)
            .set_tcp_keepalive(
                &socket2::TcpKeepalive::new().with_time(Duration::from_secs(10)).with_interval(Duration::from_secs(5)),
            )
            .map_err(failed)?;
        let mut connection = Self { stream, session: ClientSession::default(), data: VecDeque::new() };
        let agreed = tokio::time::timeout(ANSWER_TIMEOUT, connection.negotiate()).await;
        if !matches!(agreed, Ok(Ok(true))) {
            let said: Vec<u8> = connection.data.iter().take(80).copied().collect();
            return Err(ConnectError::NotAPort {
                address: address.to_owned(),
                said: String::from_utf8_lossy(&said).trim().to_owned(),
            });
        }
        connection.session.request_setup(baud);
        connection.flush().await.map_err(failed)?;
        Ok(connection)
    }

    /// Waits for bytes from the device; an empty result is the end of the connection. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The connection's.
    pub async fn read(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if !self.data.is_empty() {
                return Ok(self.data.drain(..).collect());
            }
            let mut buffer = [0; 4096];
            let length = self.stream.read(&mut buffer).await?;
            if length == 0 {
                return Ok(Vec::new());
            }
            let data = &mut self.data;
            self.session.receive(&buffer[..length], |event| {
                if let ClientEvent::Data(bytes) = event {
                    data.extend(bytes);
                }
            });
            self.still_sane(KEPT_BYTES)?;
            // Words about telnet options are few and small: they fit the socket's buffer without waiting.
            let replies = self.session.take_output();
            if !replies.is_empty() && self.stream.try_write(&replies)? != replies.len() {
                return Err(io::ErrorKind::WriteZero.into());
            }
        }
    }

    /// Sends bytes to the device.
    ///
    /// # Errors
    /// The connection's, and a timeout when the server takes nothing.
    pub async fn write_all(&mut self, data: &[u8]) -> io::Result<()> {
        self.session.send_data(data);
        self.flush().await
    }

    /// Sets the baud rate and waits until it is in force.
    ///
    /// # Errors
    /// The connection's, a timeout, and a server that uses another rate.
    pub async fn set_baud(&mut self, baud: u32) -> io::Result<()> {
        self.session.request(&Message::BaudRate(baud));
        match self.answer(|message| matches!(message, Message::BaudRate(_))).await? {
            Message::BaudRate(used) if used == baud => Ok(()),
            other => Err(io::Error::new(
                io::ErrorKind::Unsupported,
                format!("the serial port server cannot run at {baud} baud ({other:?})"),
            )),
        }
    }

    /// Asserts or releases DTR and waits until that is done.
    ///
    /// # Errors
    /// The connection's, and a timeout.
    pub async fn set_dtr(&mut self, asserted: bool) -> io::Result<()> {
        self.session.request(&Message::Control(Control::Dtr(asserted)));
        self.answer(|message| matches!(message, Message::Control(Control::Dtr(_)))).await.map(drop)
    }

    /// Asserts or releases RTS and waits until that is done.
    ///
    /// # Errors
    /// The connection's, and a timeout.
    pub async fn set_rts(&mut self, asserted: bool) -> io::Result<()> {
        self.session.request(&Message::Control(Control::Rts(asserted)));
        self.answer(|message| matches!(message, Message::Control(Control::Rts(_)))).await.map(drop)
    }

    /// Drops bytes on their way from the device, here and at the server.
    ///
    /// # Errors
    /// The connection's, and a timeout.
    pub async fn clear_input(&mut self) -> io::Result<()> {
        self.session.request(&Message::Purge(Buffers::FromDevice));
        self.answer(|message| matches!(message, Message::Purge(_))).await?;
        self.data.clear();
        Ok(())
    }

    async fn negotiate(&mut self) -> io::Result<bool> {
        let mut agreed = None;
        while agreed.is_none() {
            self.flush().await?;
            let data = &mut self.data;
            let mut buffer = [0; 1024];
            let length = self.stream.read(&mut buffer).await?;
            if length == 0 {
                return Ok(false);
            }
            self.session.receive(&buffer[..length], |event| match event {
                ClientEvent::Ready => agreed = Some(true),
                ClientEvent::Refused => agreed = Some(false),
                ClientEvent::Data(bytes) => data.extend(bytes),
                ClientEvent::Told(_) => {}
            });
            self.still_sane(KEPT_BEFORE_BYTES)?;
        }
        Ok(agreed == Some(true))
    }

    /// Sends what is queued and waits for the answer that is wanted; keeps the data that comes before it.
    async fn answer(&mut self, wanted: impl Fn(&Message) -> bool) -> io::Result<Message> {
        let wait = async {
            let mut found = None;
            loop {
                self.flush().await?;
                if let Some(message) = found {
                    return Ok(message);
                }
                let mut buffer = [0; 4096];
                let length = self.stream.read(&mut buffer).await?;
                if length == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let data = &mut self.data;
                self.session.receive(&buffer[..length], |event| match event {
                    ClientEvent::Data(bytes) => data.extend(bytes),
                    ClientEvent::Told(message) if wanted(&message) => found = Some(message),
                    _ => {}
                });
                self.still_sane(KEPT_BYTES)?;
            }
        };
        tokio::time::timeout(ANSWER_TIMEOUT, wait).await?
    }

    /// Ends a connection to something that sends without end and is no port.
    fn still_sane(&self, kept_bytes: usize) -> io::Result<()> {
        let trouble = if self.session.talks_endlessly() {
            "it talks about telnet options without end"
        } else if self.data.len() > kept_bytes {
            "it sends without end and answers nothing"
        } else {
            return Ok(());
        };
        Err(io::Error::new(io::ErrorKind::InvalidData, trouble))
    }

    async fn flush(&mut self) -> io::Result<()> {
        let out = self.session.take_output();
        tokio::time::timeout(SEND_TIMEOUT, self.stream.write_all(&out)).await?
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    /// Something that repeats the same bytes for ever.
    async fn repeats(bytes: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let many = bytes.repeat(4000);
            while stream.write_all(&many).await.is_ok() {}
        });
        address
    }

    #[tokio::test]
    async fn what_never_stops_talking_is_left_soon() {
        // Words about an option that we have, words about one that we have not, a device that never pauses.
        for said in [&b"\xff\xfd\x2c"[..], b"\xff\xfd\x63", b"noise ", b"\xff\xfa\x2c\x65"] {
            let address = repeats(said).await;
            let begun = std::time::Instant::now();
            let opened = Connection::open(&address, 115_200).await;
            let ended = match opened {
                Err(_) => true,
                Ok(mut connection) => connection.set_rts(true).await.is_err(),
            };
            assert!(ended, "{said:?}");
            assert!(begun.elapsed() < 3 * ANSWER_TIMEOUT, "{said:?} took {:?}", begun.elapsed());
        }
    }
}
