//! What an operator can set, with every default in one place.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use emulator::EngineKind;
use tokio::sync::watch;

use crate::proxy::BehindProxy;
use crate::site::SiteKind;
use crate::store::{DatabaseUrl, Quota};
use ports::discovery::AttachedPort;
use ports::serial::PortAddress;

/// The port the workbench listens on when none is asked for.
pub const DEFAULT_PORT: u16 = 7878;

/// The address the workbench listens on when none is asked for: this machine only.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), DEFAULT_PORT);

/// The configuration of `isrlab serve`.
#[derive(Clone, Debug)]
pub struct ServeConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether other machines of the network may use the workbench.
    pub lan: bool,
    /// The reverse proxy in front, if there is one. Then nobody is the class host for sitting at this machine.
    pub proxy: Option<BehindProxy>,
    /// The folder of the database; `None` keeps everything in memory (tests).
    pub data: Option<PathBuf>,
    /// The database of a school, in the place of that folder's.
    pub database: Option<DatabaseUrl>,
    /// A folder of lessons in the place of those that the binary carries, for authors.
    pub lessons: Option<PathBuf>,
    /// Where attached boards are found.
    pub ports: PortSource,
    /// Boards that are named: ports of other machines, or of this one.
    pub boards: Vec<PortAddress>,
    /// A class in which nothing has happened for so long is deleted.
    pub keep_classes: Duration,
    /// What executes the virtual boards' instructions; where it cannot be had, another one does.
    pub engine: EngineKind,
    /// What one visitor and all visitors together may use.
    pub limits: Limits,
    /// Whether pages are written for a site without a server.
    pub site: Option<SiteKind>,
}

/// Where attached boards are found.
#[derive(Clone, Debug, Default)]
pub enum PortSource {
    /// Only boards that are named.
    #[default]
    Named,
    /// Also the ports of this machine, as they are plugged in and out.
    System,
    /// Also what a test plugs in.
    Given(watch::Receiver<Vec<AttachedPort>>),
}

impl Default for ServeConfig {
    fn default() -> Self {
        Self {
            listen: DEFAULT_LISTEN,
            lan: false,
            proxy: None,
            data: None,
            database: None,
            lessons: None,
            ports: PortSource::default(),
            boards: Vec::new(),
            keep_classes: Duration::from_secs(90 * 24 * 3600),
            engine: EngineKind::default(),
            limits: Limits::default(),
            site: None,
        }
    }
}

/// Bounds on what the network can make the server do.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The largest request body, in bytes. A lesson's program has a few kilobytes.
    pub body_bytes: usize,
    /// Boards that exist at the same time; the longest idle one gives way to a new visitor.
    pub boards: usize,
    /// How long a visitor's board is kept with no page open and nothing running.
    pub board_idle: Duration,
    /// Requests that one visitor may make at once before the rate counts.
    pub burst: u32,
    /// Requests a second that one visitor may make for long.
    pub requests_per_second: u32,
    /// Requests that all visitors of one place may make at once. A class behind one router is one place.
    pub place_burst: u32,
    /// Requests a second that all visitors of one place may make for long.
    pub place_requests_per_second: u32,
    /// Connections of one place at the same time. A browser holds six to a server for a moment and one for long, and behind one
    /// router may be a school with 300 learners.
    pub place_connections: usize,
    /// Connections of all places together; fewer where the system allows fewer.
    pub connections: usize,
    /// How long a connection may take to say what it wants, and how long it may stay silent between two requests.
    pub head_timeout: Duration,
    /// How long a proxy's connection may stay silent between two requests. It has to be longer than the proxy keeps it, which
    /// is a minute or two: else a request is sent into a connection that is being closed.
    pub proxy_idle: Duration,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// Live streams of one visitor: as many pages may be open.
    pub visitor_streams: usize,
    /// Bytes by which the work of all visitors of one place may grow at once.
    pub place_growth_bytes: u64,
    /// Bytes a second by which it may grow for long.
    pub place_growth_bytes_per_second: u64,
    /// What the database keeps.
    pub quota: Quota,
    /// When all boards are in use, one whose visitor has done nothing for so long goes to somebody else, whatever runs on it.
    pub board_unattended: Duration,
    /// The same where nobody has the page open any more.
    pub board_deserted: Duration,
    /// Checks and explorations that may have begun and wait for their turn to go on.
    pub jobs: usize,
    /// The longest run that can be asked for, in seconds of the board's time.
    pub run_seconds: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 256 * 1024,
            boards: 64,
            board_idle: Duration::from_secs(30 * 60),
            burst: 60,
            requests_per_second: 20,
            place_burst: 600,
            place_requests_per_second: 300,
            place_connections: 1024,
            connections: 4096,
            head_timeout: Duration::from_secs(15),
            proxy_idle: Duration::from_secs(10 * 60),
            body_timeout: Duration::from_secs(20),
            visitor_streams: 12,
            place_growth_bytes: 24 << 20,
            place_growth_bytes_per_second: 4 << 10,
            quota: Quota::default(),
            board_unattended: Duration::from_secs(120),
            board_deserted: Duration::from_secs(10),
            jobs: 256,
            run_seconds: 600,
        }
    }
}
