//! Offers the board over TCP with RFC 2217: data, baud rate and the modem lines.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, ToSocketAddrs};
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::{Cable, HostAction};
use crate::rfc2217::com_port::Buffers;
use crate::rfc2217::{ServerEvent, ServerSession};

/// How long a second client may wait for the first to leave. A tool that starts right after another one has ended comes
/// before the end of the other's connection was noticed.
const HANDOVER_TIMEOUT: Duration = Duration::from_millis(1500);
/// How long a client that takes nothing may hold up the port.
const SEND_TIMEOUT: Duration = Duration::from_secs(20);
/// The baud rate until the client sets one.
const INITIAL_BAUD: u32 = 115_200;

/// A listening port. One client at a time has the board; the next one may come when it has left.
#[derive(Debug)]
pub struct NetworkPort {
    listener: TcpListener,
}

impl NetworkPort {
    /// Starts to listen.
    ///
    /// # Errors
    /// The system's, above all when another program has the address.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        Ok(Self { listener: TcpListener::bind(address).await? })
    }

    /// The port's name, as tools take it.
    ///
    /// # Errors
    /// The system's, if it does not tell the address.
    pub fn name(&self) -> io::Result<String> {
        Ok(format!("rfc2217://{}", self.listener.local_addr()?))
    }

    /// Serves clients, one after the other, until the future is dropped.
    pub async fn serve(self, cable: Arc<Cable>) {
        let turn = Arc::new(Mutex::new(()));
        let mut clients = tokio::task::JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, from)) => {
                        clients.spawn(admit(stream, from, turn.clone(), cable.clone()));
                    }
                    Err(error) => {
                        // Out of file descriptors and the like: it passes, and trying at once again would spin.
                        tracing::warn!(%error, "cannot accept a connection");
                        tokio::time::sleep(Duration::from_millis(200)).await;
                    }
                },
                Some(_) = clients.join_next() => {}
            }
        }
    }
}

async fn admit(mut stream: TcpStream, from: SocketAddr, turn: Arc<Mutex<()>>, cable: Arc<Cable>) {
    let Ok(turn) = tokio::time::timeout(HANDOVER_TIMEOUT, turn.lock_owned()).await else {
        tracing::info!(%from, "refused: another program has the port");
        let _ = stream.write_all(b"The port is in use by another program.\r\n").await;
        return;
    };
    tracing::debug!(%from, "connected");
    cable.set_connected(true);
    let outcome = converse(stream, &cable, &turn).await;
    cable.set_connected(false);
    // A real port lets both lines go when the last program closes it, at once, which does not reset the chip.
    cable.send(HostAction::Lines { dtr: false, rts: false });
    drop(turn);
    match outcome {
        Ok(()) => tracing::debug!(%from, "disconnected"),
        Err(error) => tracing::debug!(%from, %error, "connection lost"),
    }
}

/// Carries one client's connection to its end. Holding the turn is what makes it the only one.
async fn converse(stream: TcpStream, cable: &Cable, _turn: &OwnedMutexGuard<()>) -> io::Result<()> {
    // Single bytes matter more than full packets, and a client that vanished must not keep the port for ever.
    stream.set_nodelay(true)?;
    socket2::SockRef::from(&stream).set_tcp_keepalive(
        &socket2::TcpKeepalive::new().with_time(Duration::from_secs(10)).with_interval(Duration::from_secs(5)),
    )?;
    let (mut from_client, mut to_client) = stream.into_split();
    let mut session = ServerSession::new(concat!("isrlab ", env!("CARGO_PKG_VERSION")), INITIAL_BAUD);
    let mut out = session.take_replies();
    let mut buffer = vec![0; 4096];
    // What the client asked for and was not carried out yet, because the board has enough to swallow.
    let mut requests = VecDeque::new();
    loop {
        while cable.has_room()
            && let Some(request) = requests.pop_front()
        {
            carry_out(request, cable);
        }
        if !out.is_empty() {
            tokio::time::timeout(SEND_TIMEOUT, to_client.write_all(&out)).await??;
            out.clear();
        }
        tokio::select! {
            () = cable.room(), if !requests.is_empty() => {}
            length = from_client.read(&mut buffer), if requests.is_empty() => {
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                session.receive(&buffer[..length], |event| requests.extend(Request::of(event)));
                out.append(&mut session.take_replies());
            }
            data = cable.receive(4096), if !session.suspended() => session.put_data(&data, &mut out),
        }
    }
}

#[derive(Debug)]
enum Request {
    Host(HostAction),
    Purge(Buffers),
}

impl Request {
    fn of(event: ServerEvent<'_>) -> Option<Self> {
        Some(match event {
            ServerEvent::Data(bytes) => Self::Host(HostAction::Data(bytes.to_vec())),
            ServerEvent::Lines { dtr, rts } => Self::Host(HostAction::Lines { dtr, rts }),
            ServerEvent::BaudRate(baud) => Self::Host(HostAction::BaudRate(baud)),
            ServerEvent::Purge(buffers) => Self::Purge(buffers),
            // The chip's UART sees a break as a frame error; no tool for these boards sends one.
            ServerEvent::Break(_) => return None,
        })
    }
}

fn carry_out(request: Request, cable: &Cable) {
    match request {
        Request::Host(action) => cable.send(action),
        Request::Purge(buffers) => {
            if buffers != Buffers::FromDevice {
                cable.purge_to_board();
            }
            if buffers != Buffers::ToDevice {
                cable.purge_from_board();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rfc2217::client::{ConnectError, Connection};
    use crate::virtual_port::cable::tests::EchoBoard;

    async fn served(board: &EchoBoard) -> (String, tokio::task::JoinHandle<()>) {
        let port = NetworkPort::bind("127.0.0.1:0").await.unwrap();
        let address = port.name().unwrap().strip_prefix("rfc2217://").unwrap().to_owned();
        (address, tokio::spawn(port.serve(board.cable())))
    }

    async fn read_exactly(connection: &mut Connection, length: usize) -> Vec<u8> {
        let mut data = Vec::new();
        while data.len() < length {
            let more = connection.read().await.unwrap();
            assert!(!more.is_empty(), "the connection ended after {} bytes", data.len());
            data.extend(more);
        }
        data
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn data_lines_and_baud_rate_reach_the_board_in_order() {
        let board = EchoBoard::start();
        let (address, server) = served(&board).await;
        let mut connection = Connection::open(&address, 115_200).await.unwrap();
        connection.set_rts(true).await.unwrap();
        connection.set_baud(921_600).await.unwrap();
        // Every byte value, and more than fits into any buffer on the way.
        let sent: Vec<u8> = (0..300_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
        let mut received = Vec::new();
        for piece in sent.chunks(8 * 1024) {
            connection.write_all(piece).await.unwrap();
            received.extend(read_exactly(&mut connection, piece.len()).await);
        }
        assert_eq!(received, sent);
        connection.set_rts(false).await.unwrap();
        drop(connection);
        server.abort();
        let actions = board.stop();
        let others: Vec<_> = actions.into_iter().filter(|action| !matches!(action, HostAction::Data(_))).collect();
        assert_eq!(
            others[..4],
            [
                HostAction::BaudRate(115_200),
                HostAction::Lines { dtr: false, rts: true },
                HostAction::BaudRate(921_600),
                HostAction::Lines { dtr: false, rts: false },
            ]
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_second_client_is_refused_until_the_first_has_left() {
        let board = EchoBoard::start();
        let (address, server) = served(&board).await;
        let mut first = Connection::open(&address, 115_200).await.unwrap();
        let refused = Connection::open(&address, 115_200).await.unwrap_err();
        assert!(matches!(&refused, ConnectError::NotAPort { said, .. } if said.contains("in use")), "{refused}");
        first.write_all(b"still here").await.unwrap();
        assert_eq!(read_exactly(&mut first, 10).await, b"still here");
        drop(first);
        for _ in 0..5 {
            let mut next = Connection::open(&address, 115_200).await.unwrap();
            next.write_all(b"hello").await.unwrap();
            assert_eq!(read_exactly(&mut next, 5).await, b"hello");
        }
        server.abort();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_client_that_sends_noise_or_vanishes_harms_nobody() {
        let board = EchoBoard::start();
        let (address, server) = served(&board).await;
        for seed in 0..20u8 {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            let noise: Vec<u8> =
                (0..2000u32).map(|n| (n.wrapping_mul(2_654_435_761 + u32::from(seed)) >> 13) as u8).collect();
            stream.write_all(&noise).await.unwrap();
            drop(stream);
        }
        let mut next = Connection::open(&address, 115_200).await.unwrap();
        next.write_all(b"hello").await.unwrap();
        // The last noise may still be on its way back.
        let mut received = Vec::new();
        while !received.ends_with(b"hello") {
            received.extend(next.read().await.unwrap());
        }
        server.abort();
    }

    #[tokio::test]
    async fn something_else_that_listens_is_told_apart() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let web = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        });
        let error = Connection::open(&address, 115_200).await.unwrap_err().to_string();
        assert!(error.contains("HTTP/1.1 400"), "{error}");
        web.await.unwrap();
    }
}
