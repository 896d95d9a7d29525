//! Connections: accepted, bounded, served, closed.
//!
//! A connection costs a descriptor and memory before anybody knows who it is, so it has to say what it wants within
//! [`Limits::head_timeout`](crate::config::Limits), and the same again between two requests. Each place has a share of the
//! connections. Where the share is used up, the connection that has been idle longest gives way to the new one: who only
//! holds connections keeps nobody out.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

use crate::config::Limits;
use crate::lock::lock;
use crate::place::Place;
use crate::proxy::BehindProxy;

/// How long the answers that are on their way may take when the server is to end.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long after a failure to accept it is tried again: out of descriptors, it passes when somebody leaves.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);
/// A peer that acknowledges nothing of what it is sent for so long is gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);
/// A silent peer is asked after so long whether it is still there.
const PROBE_AFTER: Duration = Duration::from_secs(30);
/// Descriptors that are left for files, boards and events when the system allows few.
#[cfg(unix)]
const OTHER_DESCRIPTORS: u64 = 128;
/// What somebody reads for whom there is no connection.
const NO_ROOM: &str = "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 5\r\n\
    Connection: close\r\nContent-Length: 98\r\n\r\n\
    Too many connections from this address. / このアドレスからの接続が多すぎます。\r\n";

/// A connection that is open.
#[derive(Debug)]
struct Open {
    place: Place,
    /// Requests that are not answered to the end.
    requests: AtomicUsize,
    /// When the last answer ended, or the connection began.
    idle_since: Mutex<Instant>,
    close: Notify,
}

impl Open {
    fn idle_since(&self) -> Option<Instant> {
        (self.requests.load(Ordering::Relaxed) == 0).then(|| *lock(&self.idle_since))
    }
}

/// One request that goes on; it ends with the last byte of its answer.
struct Answering(Arc<Open>);

impl Answering {
    fn begin(open: &Arc<Open>) -> Self {
        open.requests.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        *lock(&self.0.idle_since) = Instant::now();
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The connections that are open.
#[derive(Debug)]
struct Connections {
    open: Mutex<HashMap<u64, Arc<Open>>>,
    of_a_place: usize,
    of_all: usize,
}

impl Connections {
    fn new(limits: &Limits) -> Self {
        let of_all = limits.connections.min(descriptors()).max(2);
        // Nobody alone takes more than half of what there is.
        Self { open: Mutex::default(), of_a_place: limits.place_connections.min(of_all / 2).max(1), of_all }
    }

    /// Makes room for one more; `None` where every connection is in use. The connections of a proxy are many people's, so
    /// that they are not one place's share.
    fn admit(&self, number: u64, place: Place, proxy: bool) -> Option<Arc<Open>> {
        let mut open = lock(&self.open);
        let mut counts: HashMap<Place, usize> = HashMap::new();
        for other in open.values() {
            *counts.entry(other.place).or_default() += 1;
        }
        let crowded = if !proxy && counts.get(&place).is_some_and(|count| *count >= self.of_a_place) {
            Some(place)
        } else if open.len() >= self.of_all {
            counts.into_iter().max_by_key(|(place, count)| (*count, *place)).map(|(place, _)| place)
        } else {
            None
        };
        if let Some(crowded) = crowded {
            let idle = open.iter().filter(|(_, other)| other.place == crowded);
            let longest = idle.filter_map(|(number, other)| Some((other.idle_since()?, *number))).min()?;
            if let Some(closed) = open.remove(&longest.1) {
                closed.close.notify_one();
            }
        }
        let (requests, idle_since) = (AtomicUsize::new(0), Mutex::new(Instant::now()));
        let entry = Arc::new(Open { place, requests, idle_since, close: Notify::new() });
        open.insert(number, Arc::clone(&entry));
        Some(entry)
    }

    fn left(&self, number: u64) {
        lock(&self.open).remove(&number);
    }
}

/// Connections that the system lets this process have.
fn descriptors() -> usize {
    #[cfg(unix)]
    {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
        usize::try_from(limit.saturating_sub(OTHER_DESCRIPTORS)).unwrap_or(usize::MAX)
    }
    #[cfg(not(unix))]
    usize::MAX
}

/// Serves `router` until `ended`, and then until the last answer is out or [`LAST_ANSWERS`] have passed.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    limits: &Limits,
    proxy: Option<&BehindProxy>,
    ended: impl Future<Output = ()> + Send,
) {
    let connections = Arc::new(Connections::new(limits));
    let (closing, _) = watch::channel(false);
    let mut served = JoinSet::new();
    let mut ended = std::pin::pin!(ended);
    let mut number = 0;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_) = served.join_next() => continue,
            () = &mut ended => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                continue;
            }
        };
        number += 1;
        let of_proxy = proxy.is_some_and(|proxy| proxy.trusts(address.ip()));
        let head_timeout = if of_proxy { limits.proxy_idle } else { limits.head_timeout };
        let Some(open) = connections.admit(number, Place::of(address.ip()), of_proxy) else {
            served.spawn(refuse(stream));
            continue;
        };
        let (router, connections, closing) = (router.clone(), Arc::clone(&connections), closing.subscribe());
        served.spawn(async move {
            attend(stream, address, router, &open, head_timeout, closing).await;
            connections.left(number);
        });
    }
    drop(listener);
    closing.send_replace(true);
    let last = async { while served.join_next().await.is_some() {} };
    if tokio::time::timeout(LAST_ANSWERS, last).await.is_err() {
        tracing::info!("some answers are not waited for");
    }
}

async fn refuse(mut stream: TcpStream) {
    // Whoever does not read it is not waited for.
    _ = tokio::time::timeout(Duration::from_secs(1), stream.write_all(NO_ROOM.as_bytes())).await;
}

async fn attend(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    open: &Arc<Open>,
    head_timeout: Duration,
    mut closing: watch::Receiver<bool>,
) {
    if let Err(error) = set_up(&stream) {
        tracing::debug!(%error, "a connection cannot be set up");
    }
    let service = hyper::service::service_fn(|request: hyper::Request<Incoming>| {
        let answering = Answering::begin(open);
        let router = router.clone();
        async move {
            let mut request: Request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(address));
            let response = match router.oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let response: Response = response.map(|body| {
                Body::new(body.map_frame(move |frame| {
                    let _until_the_last_byte = &answering;
                    frame
                }))
            });
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    let mut told = false;
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended");
                }
                return;
            }
            () = open.close.notified() => return,
            _ = closing.wait_for(|closing| *closing), if !told => {
                told = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// Live events are small and go out one by one: none is to wait until the one before has been acknowledged. A peer that has
/// vanished is noticed.
fn set_up(stream: &TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let socket = socket2::SockRef::from(stream);
    socket.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_AFTER / 3))?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use axum::routing::{get, post};
    use tokio::io::AsyncReadExt as _;

    use super::*;

    fn place(number: u8) -> Place {
        Place::of(IpAddr::from([10, 0, 0, number]))
    }

    #[test]
    fn an_idle_connection_gives_way_and_a_busy_one_does_not() {
        let limits = Limits { place_connections: 2, connections: 5, ..Limits::default() };
        let connections = Connections::new(&limits);
        let first = connections.admit(1, place(1), false).unwrap();
        let busy = Answering::begin(&first);
        connections.admit(2, place(1), false).unwrap();
        connections.admit(3, place(1), false).unwrap();
        let open = |connections: &Connections| {
            let mut numbers: Vec<u64> = lock(&connections.open).keys().copied().collect();
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(open(&connections), [1, 3], "the idle one of the same place");
        let second = lock(&connections.open)[&3].clone();
        let also_busy = Answering::begin(&second);
        assert!(connections.admit(4, place(1), false).is_none(), "both are in use");
        for number in 5..8 {
            connections.admit(number, place(2), false).unwrap();
        }
        connections.admit(8, place(3), false).unwrap();
        drop((busy, also_busy));
        connections.admit(9, place(4), false).unwrap();
        connections.admit(10, place(4), false).unwrap();
        assert!(open(&connections).len() <= 5);
        assert!(open(&connections).contains(&10));
    }

    #[test]
    fn a_proxys_connections_are_many_peoples() {
        let limits = Limits { place_connections: 2, connections: 5, ..Limits::default() };
        let connections = Connections::new(&limits);
        let busy: Vec<_> = (1..5).map(|number| connections.admit(number, place(1), true).unwrap()).collect();
        let busy: Vec<_> = busy.iter().map(Answering::begin).collect();
        assert_eq!(lock(&connections.open).len(), 4, "more than a share");
        connections.admit(5, place(1), true).unwrap();
        connections.admit(6, place(1), true).unwrap();
        assert_eq!(lock(&connections.open).len(), 5, "the idle one gave way");
        drop(busy);
    }

    async fn served(limits: Limits) -> (SocketAddr, tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
        let slow = || async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            "slow"
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/slow", get(slow))
            .route("/echo", post(|body: String| async { body }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let server =
            tokio::spawn(async move { serve(listener, router, &limits, None, async { _ = ended.await }).await });
        (address, end, server)
    }

    async fn answer(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_string(&mut text)).await;
        assert!(read.is_ok(), "the connection stays open; so far: {text}");
        text
    }

    #[tokio::test]
    async fn who_says_nothing_is_hung_up_on_before_and_after_a_request() {
        let limits = Limits { head_timeout: Duration::from_millis(200), ..Limits::default() };
        let (address, _end, _server) = served(limits).await;
        for said in ["", "GET / HTTP/1.1\r\nHost: a\r\nX: "] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(said.as_bytes()).await.unwrap();
            let begun = Instant::now();
            answer(&mut stream).await;
            assert!(begun.elapsed() >= Duration::from_millis(150), "{said:?} had its time");
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        assert!(answer(&mut stream).await.ends_with("here"), "and is then closed");
        // A head that comes byte by byte is no excuse.
        let mut stream = TcpStream::connect(address).await.unwrap();
        let mut refused = false;
        for _ in 0..40 {
            refused |= stream.write_all(b"G").await.is_err();
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
        assert!(refused || ended.is_ok());
    }

    #[tokio::test]
    async fn somebody_new_is_served_beside_any_number_of_connections_that_say_nothing() {
        let limits = Limits { place_connections: 20, ..Limits::default() };
        let (address, _end, _server) = served(limits).await;
        let mut silent = Vec::new();
        for _ in 0..60 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await.unwrap();
        assert!(answer(&mut stream).await.ends_with("here"));
    }

    #[tokio::test]
    async fn the_last_answer_goes_out_before_the_end_and_idle_connections_do_not_delay_it() {
        let (address, end, server) = served(Limits::default()).await;
        let _idle = TcpStream::connect(address).await.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
        end.send(()).unwrap();
        assert!(answer(&mut stream).await.ends_with("slow"));
        tokio::time::timeout(LAST_ANSWERS + Duration::from_secs(5), server).await.unwrap().unwrap();
    }

    #[test]
    fn the_refusal_is_a_whole_answer() {
        let (head, body) = NO_ROOM.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}", body.len())), "{}", body.len());
    }
}
