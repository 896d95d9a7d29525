//! A serial link that loses, alters and delays bytes and is cut at any of them: flashing and running either succeed,
//! proven, or end in a clear fault from which the next attempt over a sound link succeeds.
//!
//! `ISRLAB_LINK_SEEDS` names how many seeds to try; each fixes the faults of one link.

use std::sync::Arc;
use std::time::{Duration, Instant};

use emulator::{Config, FlashImage, Machine, Port};
use isrlab::board::attached;
use isrlab::board::discovery::Named;
use isrlab::board::flash::{Cancel, Image, Progress, flash};
use isrlab::board::line::Line as _;
use isrlab::board::serial::{CONSOLE_BAUD, PortAddress, SerialLine};
use isrlab::board::session::{EndReason, RunOrder, SessionEvent};
use isrlab::rfc2217::client::Connection;
use isrlab::rfc2217::{ServerEvent, ServerSession};
use isrlab::virtual_port::Cable;
use isrlab::virtual_port::network::NetworkPort;
use isrlab::virtual_port::paced::{self, Pace};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Seeds of a normal run.
const SEEDS: u64 = 8;
/// Links that are tried at the same time: most of the time they wait for a timeout.
const AT_ONCE: usize = 2;
/// What flashing carries over the link, about: the stub, the image, the ROM's words.
const FLASH_TRAFFIC_BYTES: u64 = 45_000;
/// What a run carries over the link, about: boot log, greeting, program, samples.
const RUN_TRAFFIC_BYTES: u64 = 4_000;
/// No step may take longer, whatever the link does.
const STEP_LIMIT: Duration = Duration::from_secs(150);
/// Where the image goes: a place that the lesson firmware does not use for its program.
const PLACE: usize = 0x3F_0000;

/// SplitMix64.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

/// What is wrong with a link.
#[derive(Clone, Debug)]
struct Faults {
    /// One byte in so many is lost; 0: none.
    drop_one_in: u64,
    /// One byte in so many is altered; 0: none.
    alter_one_in: u64,
    /// One piece in so many is held back; 0: none.
    delay_one_in: u64,
    /// The link ends after so many bytes.
    cut_after: Option<u64>,
}

impl Faults {
    const NONE: Self = Self { drop_one_in: 0, alter_one_in: 0, delay_one_in: 0, cut_after: None };

    /// Faults for a step that carries about so many bytes: from hopeless to harmless.
    fn of(chance: &mut Chance, traffic: u64) -> Self {
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
            },
        }
    }

    /// Lets bytes pass; `None` once the link is cut.
    async fn pass(&self, bytes: &[u8], passed: &mut u64, chance: &mut Chance) -> Option<Vec<u8>> {
        if self.delay_one_in > 0 && chance.below(self.delay_one_in) == 0 {
            tokio::time::sleep(Duration::from_millis(chance.below(250))).await;
        }
        let mut out = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            *passed += 1;
            if self.cut_after.is_some_and(|limit| *passed > limit) {
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

/// A virtual board with the lesson firmware on a port of its own.
struct Bench {
    cable: Arc<Cable>,
    board: JoinHandle<Machine>,
    server: JoinHandle<()>,
    address: String,
}

impl Bench {
    async fn start() -> Self {
        let port = NetworkPort::bind("127.0.0.1:0").await.unwrap();
        let address = port.name().unwrap().strip_prefix("rfc2217://").unwrap().to_owned();
        let cable = Arc::new(Cable::default());
        let board = tokio::task::spawn_blocking({
            let cable = cable.clone();
            move || {
                let flash = FlashImage::from_bytes(isrlab::firmware::FLASH_IMAGE).unwrap();
                let machine = Machine::new(Config { flash, ..Config::default() });
                paced::run(machine, Port::Uart0, Pace::Fast, &cable)
            }
        });
        let server = tokio::spawn(port.serve(cable.clone()));
        Self { cable, board, server, address }
    }

    async fn stop(self) -> Vec<u8> {
        self.cable.unplug();
        self.server.abort();
        self.board.await.unwrap().flash().to_bytes()
    }
}

/// A port that leads to the board over a link with faults.
struct Link {
    address: String,
    task: JoinHandle<()>,
}

impl Link {
    async fn over(board: &str, faults: Faults, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let board = board.to_owned();
        let task = tokio::spawn(async move {
            let mut chance = Chance(seed ^ 0xF417);
            let mut passed = 0;
            while let Ok((client, _)) = listener.accept().await {
                let _ = carry(client, &board, &faults, &mut passed, &mut chance).await;
            }
        });
        Self { address, task }
    }

    fn port(&self) -> PortAddress {
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
    passed: &mut u64,
    chance: &mut Chance,
) -> std::io::Result<()> {
    let mut upstream = Connection::open(board, CONSOLE_BAUD).await.map_err(std::io::Error::other)?;
    let mut session = ServerSession::new("faulty link", CONSOLE_BAUD);
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
                        Request::Data(bytes) => match faults.pass(&bytes, passed, chance).await {
                            Some(bytes) => upstream.write_all(&bytes).await?,
                            None => return Ok(()),
                        },
                        Request::Lines { dtr, rts } => {
                            upstream.set_dtr(dtr).await?;
                            upstream.set_rts(rts).await?;
                        }
                        Request::Baud(baud) => upstream.set_baud(baud).await?,
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
                let Some(bytes) = faults.pass(&bytes, passed, chance).await else { return Ok(()) };
                let mut out = Vec::new();
                session.put_data(&bytes, &mut out);
                client.write_all(&out).await?;
            }
        }
    }
}

/// Opens a port that another attempt may have let go only just now.
async fn open(port: &PortAddress) -> Result<SerialLine, isrlab::board::serial::LineFault> {
    SerialLine::open(port, CONSOLE_BAUD, None).await
}

async fn try_to_flash(port: &PortAddress, data: &[u8]) -> Result<usize, String> {
    let image = Image { name: "noise".to_owned(), offset: Some(PLACE as u32), data: data.to_vec(), sparse: false };
    let line = open(port).await.map_err(|fault| fault.code().to_owned())?;
    let (sender, _receiver) = watch::channel(Progress::default());
    let (_line, outcome) = flash(line, None, [image].into(), sender, &Cancel::default()).await;
    outcome.map(|report| report.written_bytes).map_err(|fault| fault.code().to_owned())
}

async fn try_to_run(port: &PortAddress) -> Result<EndReason, String> {
    let named = Named { port: port.clone(), product_id: None };
    let runtime = tokio::runtime::Handle::current();
    let run = move || {
        let mut drive = attached::open(&named, &runtime).map_err(|fault| fault.code().to_owned())?;
        let program = "import lab\nlab.value('x', 6 * 7)\nlab.done()\n".to_owned();
        let order = RunOrder { run: 7, program, settings: Vec::new(), limit: Duration::from_secs(1) };
        drive.session.start(drive.line.now(), order).map_err(|_| "not ready".to_owned())?;
        let goal = drive.line.now() + Duration::from_secs(60);
        while drive.advance(goal).map_err(|fault| fault.code().to_owned())? {
            while let Some(event) = drive.session.next_event() {
                match event {
                    SessionEvent::RunEnded(end) => match end.fault {
                        Some(fault) => return Err(fault.code().to_owned()),
                        None => return Ok(end.why),
                    },
                    SessionEvent::Fault(fault) => return Err(fault.code().to_owned()),
                    _ => {}
                }
            }
        }
        Err("endless".to_owned())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

/// Fails if a step hangs.
async fn in_time<T>(seed: u64, what: &str, step: impl Future<Output = T>) -> T {
    match tokio::time::timeout(STEP_LIMIT, step).await {
        Ok(done) => done,
        Err(_) => panic!("seed {seed}: {what} hangs"),
    }
}

/// One link's story. Returns how flashing and running over it ended.
async fn story(seed: u64) -> (Result<usize, String>, Result<EndReason, String>) {
    let mut chance = Chance(seed);
    let faults = Faults::of(&mut chance, FLASH_TRAFFIC_BYTES);
    let bench = Bench::start().await;
    let sound = PortAddress::Network(bench.address.clone());
    let data: Vec<u8> = std::iter::repeat_with(|| chance.next() as u8).take(20_000).collect();

    let link = Link::over(&bench.address, faults.clone(), seed).await;
    let flashed = in_time(seed, "flashing", try_to_flash(&link.port(), &data)).await;
    drop(link);
    if flashed.is_err() {
        let again = in_time(seed, "flashing again", try_to_flash(&sound, &data)).await;
        assert!(again.is_ok(), "seed {seed}, {faults:?}: {flashed:?}, then {again:?}");
    }

    let run_faults = Faults::of(&mut chance, RUN_TRAFFIC_BYTES);
    let link = Link::over(&bench.address, run_faults.clone(), !seed).await;
    let ran = in_time(seed, "running", try_to_run(&link.port())).await;
    drop(link);
    if ran != Ok(EndReason::Finished) {
        let again = in_time(seed, "running again", try_to_run(&sound)).await;
        assert_eq!(again, Ok(EndReason::Finished), "seed {seed}, {run_faults:?}: {ran:?} before");
    }

    // What was said to be written and verified is there, byte for byte.
    let contents = bench.stop().await;
    assert!(contents[PLACE..].starts_with(&data), "seed {seed}, {faults:?}: {flashed:?}");
    println!("seed {seed}: {flashed:?} with {faults:?}; {ran:?} with {run_faults:?}");
    (flashed, ran)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_link_does_the_outcome_is_clear_and_the_next_attempt_succeeds() {
    let seeds = std::env::var("ISRLAB_LINK_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap());
    let started = Instant::now();
    let places = Arc::new(tokio::sync::Semaphore::new(AT_ONCE));
    let mut stories = tokio::task::JoinSet::new();
    for seed in 0..seeds {
        let places = places.clone();
        stories.spawn(async move {
            let _place = places.acquire().await.unwrap();
            (seed, story(seed).await)
        });
    }
    let (mut flashed, mut ran, mut codes) = (0, 0, std::collections::BTreeMap::<String, u32>::new());
    while let Some(told) = stories.join_next().await {
        let (_, (flash, run)) = told.unwrap();
        flashed += u64::from(flash.is_ok());
        ran += u64::from(run == Ok(EndReason::Finished));
        for code in [flash.err(), run.err()].into_iter().flatten() {
            *codes.entry(code).or_default() += 1;
        }
    }
    println!("{seeds} links in {:?}: {flashed} flashed, {ran} ran; faults {codes:?}", started.elapsed());
    // The faults are mild enough that some succeed, and hard enough that some do not.
    assert!(flashed > 0 && flashed < seeds && ran > 0 && ran < seeds, "{flashed} and {ran} of {seeds}");
}
