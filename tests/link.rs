//! A virtual board in this process, and a link to it with whatever faults a test wants.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use emulator::{Config, FlashImage, Machine, Port};
use ports::flash::{Cancel, Image, flash};
use ports::rfc2217::client::Connection;
use ports::rfc2217::{ServerEvent, ServerSession};
use ports::serial::{CONSOLE_BAUD, PortAddress, SerialLine};
use ports::virtual_port::Cable;
use ports::virtual_port::network::NetworkPort;
use ports::virtual_port::paced::{self, Pace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use workbench::flashing::Progress;

/// SplitMix64.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// What is wrong with a link.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// One byte in so many is lost; 0: none.
    pub(crate) drop_one_in: u64,
    /// One byte in so many is altered; 0: none.
    pub(crate) alter_one_in: u64,
    /// One piece in so many is held back; 0: none.
    pub(crate) delay_one_in: u64,
    /// The link ends after so many bytes.
    pub(crate) cut_after: Option<u64>,
    /// The board's speed: at any other speed of the host's end both hear noise.
    pub(crate) board_baud: Option<u32>,
    /// Asserting DTR does nothing, as in cables and circuits without that line.
    pub(crate) without_dtr: bool,
    /// What becomes of bytes to the board.
    pub(crate) to_board: fn(Vec<u8>) -> Vec<u8>,
    /// What becomes of bytes from the board.
    pub(crate) from_board: fn(Vec<u8>) -> Vec<u8>,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        drop_one_in: 0,
        alter_one_in: 0,
        delay_one_in: 0,
        cut_after: None,
        board_baud: None,
        without_dtr: false,
        to_board: |bytes| bytes,
        from_board: |bytes| bytes,
    };

    /// Faults for a step that carries about so many bytes: from hopeless to harmless.
    pub(crate) fn of(chance: &mut Chance, traffic: u64) -> Self {
        let rate = |chance: &mut Chance| (traffic / 100) << chance.below(8);
        match chance.below(5) {
            0 => Self { cut_after: Some(chance.below(traffic * 3 / 2)), ..Self::NONE },
            1 => Self { drop_one_in: rate(chance), ..Self::NONE },
            2 => Self { alter_one_in: rate(chance), ..Self::NONE },
            3 => Self { delay_one_in: 20 + chance.below(200), ..Self::NONE },
            _ => Self {
                drop_one_in: rate(chance),
                alter_one_in: rate(chance),
                delay_one_in: 20 + chance.below(200),
                cut_after: Some(chance.below(traffic * 10)),
                ..Self::NONE
            },
        }
    }

    /// What is heard of bytes where one end has another speed: edges at the wrong places.
    fn heard(&self, baud: u32, bytes: Vec<u8>) -> Vec<u8> {
        if self.board_baud.is_none_or(|board| board == baud) {
            return bytes;
        }
        bytes.into_iter().map(|byte| 0xE0 ^ byte.rotate_left(3) | 0x80).collect()
    }

    /// Lets bytes pass; `None` once the link is cut.
    async fn pass(&self, bytes: &[u8], passed: &AtomicU64, chance: &mut Chance) -> Option<Vec<u8>> {
        if self.delay_one_in > 0 && chance.below(self.delay_one_in) == 0 {
            tokio::time::sleep(Duration::from_millis(chance.below(250))).await;
        }
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            let passed = passed.fetch_add(1, Ordering::Relaxed) + 1;
            if self.cut_after.is_some_and(|limit| passed > limit) {
                return None;
            }
            if self.drop_one_in > 0 && chance.below(self.drop_one_in) == 0 {
                continue;
            }
            let altered = self.alter_one_in > 0 && chance.below(self.alter_one_in) == 0;
            out.push(if altered { byte ^ (1 << chance.below(8)) } else { byte });
        }
        Some(out)
    }
}

/// A virtual board on a port of its own.
pub(crate) struct Bench {
    cable: Arc<Cable>,
    board: Option<JoinHandle<Machine>>,
    server: JoinHandle<()>,
    address: String,
}

impl Bench {
    /// One with the lesson firmware.
    pub(crate) async fn start() -> Self {
        Self::with_flash(isrlab::firmware::FLASH_IMAGE).await
    }

    /// One with these contents of its flash.
    pub(crate) async fn with_flash(contents: &[u8]) -> Self {
        let port = NetworkPort::bind("127.0.0.1:0").await.unwrap();
        let address = port.name().unwrap().strip_prefix("rfc2217://").unwrap().to_owned();
        let cable = Arc::new(Cable::default());
        let mut whole = contents.to_vec();
        whole.resize(4 << 20, 0xFF);
        let flash = FlashImage::from_bytes(&whole).unwrap();
        let board = tokio::task::spawn_blocking({
            let cable = cable.clone();
            move || {
                let machine = Machine::new(Config { flash, ..Config::default() });
                paced::run(machine, Port::Uart0, Pace::Fast, &cable, &mut |_| {})
            }
        });
        let server = tokio::spawn(port.serve(cable.clone()));
        Self { cable, board: Some(board), server, address }
    }

    /// Its port, without a link in between.
    pub(crate) fn port(&self) -> PortAddress {
        PortAddress::Network(self.address.clone())
    }

    /// A port that leads to it over a link with faults.
    pub(crate) async fn link(&self, faults: Faults, seed: u64) -> Link {
        Link::over(&self.address, faults, seed).await
    }

    /// Ends it; returns its flash.
    pub(crate) async fn stop(mut self) -> Vec<u8> {
        self.cable.unplug();
        self.board.take().unwrap().await.unwrap().flash().to_bytes()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Its thread would keep the runtime from ending.
        self.cable.unplug();
        self.server.abort();
    }
}

/// A port that leads to the board over a link with faults.
pub(crate) struct Link {
    address: String,
    task: JoinHandle<()>,
    passed: Arc<AtomicU64>,
}

impl Link {
    async fn over(board: &str, faults: Faults, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let board = board.to_owned();
        let passed = Arc::new(AtomicU64::new(0));
        let counted = passed.clone();
        let task = tokio::spawn(async move {
            let mut chance = Chance(seed ^ 0xF417);
            while let Ok((client, _)) = listener.accept().await {
                let _ = carry(client, &board, &faults, &counted, &mut chance).await;
            }
        });
        Self { address, task, passed }
    }

    /// Bytes that have come as far as here, both ways.
    pub(crate) fn passed_bytes(&self) -> u64 {
        self.passed.load(Ordering::Relaxed)
    }

    pub(crate) fn port(&self) -> PortAddress {
        PortAddress::Network(self.address.clone())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum Request {
    Data(Vec<u8>),
    Lines { dtr: bool, rts: bool },
    Baud(u32),
    ClearInput,
}

/// Carries one client's connection until it ends or the link is cut.
async fn carry(
    mut client: TcpStream,
    board: &str,
    faults: &Faults,
    passed: &AtomicU64,
    chance: &mut Chance,
) -> std::io::Result<()> {
    let mut upstream = Connection::open(board, CONSOLE_BAUD).await.map_err(std::io::Error::other)?;
    let mut session = ServerSession::new("faulty link", CONSOLE_BAUD);
    let mut baud = CONSOLE_BAUD;
    let mut buffer = [0; 4096];
    client.write_all(&session.take_replies()).await?;
    loop {
        tokio::select! {
            length = client.read(&mut buffer) => {
                let length = length?;
                if length == 0 {
                    return Ok(());
                }
                let mut requests = Vec::new();
                session.receive(&buffer[..length], |event| match event {
                    ServerEvent::Data(bytes) => requests.push(Request::Data(bytes.to_vec())),
                    ServerEvent::Lines { dtr, rts } => requests.push(Request::Lines { dtr, rts }),
                    ServerEvent::BaudRate(baud) => requests.push(Request::Baud(baud)),
                    ServerEvent::Purge(_) => requests.push(Request::ClearInput),
                    ServerEvent::Break(_) => {}
                });
                for request in requests {
                    match request {
                        Request::Data(bytes) => match faults.pass(&faults.heard(baud, (faults.to_board)(bytes)), passed, chance).await {
                            Some(bytes) => upstream.write_all(&bytes).await?,
                            None => return Ok(()),
                        },
                        Request::Lines { dtr, rts } => {
                            upstream.set_dtr(dtr && !faults.without_dtr).await?;
                            upstream.set_rts(rts).await?;
                        }
                        Request::Baud(asked) => {
                            baud = asked;
                            upstream.set_baud(asked).await?;
                        }
                        Request::ClearInput => upstream.clear_input().await?,
                    }
                }
                client.write_all(&session.take_replies()).await?;
            }
            bytes = upstream.read() => {
                let bytes = bytes?;
                if bytes.is_empty() {
                    return Ok(());
                }
                let bytes = faults.heard(baud, (faults.from_board)(bytes));
                let Some(bytes) = faults.pass(&bytes, passed, chance).await else { return Ok(()) };
                let mut out = Vec::new();
                session.put_data(&bytes, &mut out);
                client.write_all(&out).await?;
            }
        }
    }
}

/// Where the image goes: a place that the lesson firmware does not use for its program.
pub(crate) const PLACE: usize = 0x3F_0000;

/// Opens a port that another attempt may have let go only just now.
async fn open(port: &PortAddress) -> Result<SerialLine, ports::serial::LineFault> {
    SerialLine::open(port, CONSOLE_BAUD, None).await
}

/// Flashes a board; returns how many bytes were written, or the code of the fault.
pub(crate) async fn try_to_flash(port: &PortAddress, data: &[u8]) -> Result<usize, String> {
    let image = Image { name: "noise".to_owned(), offset: Some(PLACE as u32), data: data.to_vec(), sparse: false };
    let line = open(port).await.map_err(|fault| fault.code().to_owned())?;
    let (sender, _receiver) = watch::channel(Progress::default());
    let (_line, outcome) = flash(line, None, [image].into(), sender, &Cancel::default()).await;
    outcome.map(|report| report.written_bytes).map_err(|fault| fault.code().to_owned())
}
