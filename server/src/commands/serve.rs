//! `isrlab serve`: the workbench itself.

use std::io::IsTerminal as _;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;

use super::database::DatabaseOption;
use super::emulation::EngineOption;
use super::out::{self, language};
use super::signal::end_signal;
use crate::app::{App, AppState};
use crate::config::{DEFAULT_LISTEN, PortSource, ServeConfig};
use crate::proxy::{BehindProxy, Network, PublicUrl};
use crate::verifying::verify_reported;
use crate::{lan, router};
use ports::serial::PortAddress;

/// Open files that are asked for: a class of thousands, and far less than the system can bear.
#[cfg(unix)]
const MOST_CONNECTIONS: u64 = 1 << 16;

/// How often it is looked whether a class is to be forgotten.
const FORGET_INTERVAL: Duration = Duration::from_secs(3600);

/// Options of `isrlab serve`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The address and port to listen on.
    #[arg(long, value_name = "ADDR", default_value_t = DEFAULT_LISTEN)]
    listen: SocketAddr,
    /// Lets other machines of the network in, and prints the address and a QR code for them.
    #[arg(long)]
    lan: bool,
    /// The folder that keeps answers, edits and results.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    #[command(flatten)]
    database: DatabaseOption,
    /// A board that is not found by itself: rfc2217://host:port on another machine, or a port's path; several may be named.
    #[arg(long, value_name = "PORT")]
    board: Vec<PortAddress>,
    /// The lessons of a folder in the place of those that this binary carries, for authors.
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,
    /// Deletes a class in which nothing has happened for so many days.
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(u16).range(1..))]
    keep_classes: u16,
    /// A reverse proxy in front, by its address or network: what it says of where visitors come from is believed. Several may
    /// be named, with commas between. Whoever sits at this machine is then no class host without the host's link.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', requires = "public_url")]
    behind_proxy: Vec<Network>,
    /// The address that visitors type to reach the proxy, such as `https://isrlab.school.example`.
    #[arg(long, value_name = "URL", requires = "behind_proxy")]
    public_url: Option<PublicUrl>,
    #[command(flatten)]
    engine: EngineOption,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    super::log_to_stderr("warn,isrlab=info,deadpool=error,deadpool_postgres=error");
    let mut listen = arguments.listen;
    if arguments.lan && listen.ip().is_loopback() {
        listen.set_ip(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    }
    let config = ServeConfig {
        listen,
        lan: arguments.lan,
        proxy: arguments.public_url.map(|public| BehindProxy { trusted: arguments.behind_proxy, public }),
        data: Some(arguments.data),
        database: arguments.database.url()?,
        lessons: arguments.folder,
        ports: PortSource::System,
        boards: arguments.board,
        keep_classes: Duration::from_secs(u64::from(arguments.keep_classes) * 24 * 3600),
        engine: arguments.engine.kind(),
        ..ServeConfig::default()
    };
    allow_connections();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (asked, app) = {
        let _within = runtime.enter();
        // First of all: booting a board takes a while, and a signal ends the server cleanly then, too.
        (end_signal()?, App::build(config)?)
    };
    let outcome = runtime.block_on(serve(app.into(), asked));
    // A check or an exploration that still goes on is nobody's any more.
    runtime.shutdown_timeout(Duration::from_millis(500));
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn serve(app: AppState, asked: impl Future<Output = ()>) -> anyhow::Result<()> {
    let listen = app.config.listen;
    let listener = tokio::net::TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; is another workbench running there? --listen chooses another port")
    })?;
    let port = listener.local_addr()?.port();
    let mut asked = std::pin::pin!(asked);
    print_addresses(&app, port);
    let reclaiming = tokio::spawn(reclaim(app.clone()));
    let forgetting = tokio::spawn(forget_classes(app.clone()));
    let verifying = tokio::spawn(verify_reported(app.clone()));
    let classes = std::sync::Arc::clone(&app.classes);
    let keeping_up = tokio::spawn(async move { classes.keep_up().await });
    let classes = std::sync::Arc::clone(&app.classes);
    let closing = app.clone();
    let (end, told) = tokio::sync::oneshot::channel::<()>();
    let ended = async move {
        // Whoever holds the other end tells, or is gone.
        _ = told.await;
        closing.closing.send_replace(true);
    };
    let mut serving = std::pin::pin!(router::serve(listener, app, ended));
    tokio::select! {
        outcome = &mut serving => outcome?,
        () = &mut asked => {
            drop(end);
            // Whoever asks a second time does not want to wait.
            let mut again = std::pin::pin!(end_signal()?);
            tokio::select! {
                outcome = &mut serving => outcome?,
                () = &mut again => {}
            }
        }
    }
    reclaiming.abort();
    forgetting.abort();
    verifying.abort();
    keeping_up.abort();
    if let Err(error) = classes.leave().await {
        tracing::warn!(%error, "other processes are not told that this one ends");
    }
    Ok(())
}

/// Deletes what nobody has touched for long, now and while the workbench runs.
async fn forget_classes(app: AppState) {
    let mut interval = tokio::time::interval(FORGET_INTERVAL);
    loop {
        interval.tick().await;
        app.classes.forget_older_than(app.config.keep_classes.as_secs().cast_signed()).await;
    }
}

async fn reclaim(app: AppState) {
    let mut interval = tokio::time::interval(app.benches.reclaim_interval());
    loop {
        interval.tick().await;
        app.benches.reclaim();
    }
}

/// The server is there whether or not somebody reads this.
fn print_addresses(app: &AppState, port: u16) {
    let listen = app.config.listen.ip();
    let here = if listen.is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { listen };
    let mut lines = vec![format!("http://{}/", SocketAddr::new(here, port))];
    if let Some(proxy) = &app.config.proxy {
        lines.extend(way_in(app, language().pick("Behind the proxy", "プロキシ経由"), proxy.public.origin()));
    } else if app.config.lan {
        let addresses = if listen.is_unspecified() { lan::addresses() } else { vec![listen] };
        let mut origins = addresses.into_iter().map(|address| format!("http://{}", SocketAddr::new(address, port)));
        match origins.next() {
            None => lines.push(
                language()
                    .pick(
                        "This machine has no address on a network.",
                        "このコンピュータにはネットワークのアドレスがありません。",
                    )
                    .to_owned(),
            ),
            Some(origin) => {
                lines.extend(way_in(app, language().pick("On this network", "このネットワークから"), &origin));
                let other =
                    language().pick("On another network of this machine", "このコンピュータの別のネットワークから");
                lines.extend(origins.map(|origin| format!("{other}: {origin}/")));
            }
        }
    }
    for line in lines {
        if let Err(error) = out::print(&format!("{line}\n")) {
            tracing::warn!(%error, "the address is not printed");
            return;
        }
    }
}

/// The address for the others with its code, and how somebody at another computer becomes the class host. The link is a
/// secret: it goes to a terminal, and never into a file or a journal that others may read.
fn way_in(app: &AppState, where_from: &str, origin: &str) -> Vec<String> {
    let terminal = std::io::stdout().is_terminal();
    let mut lines = vec![format!("{where_from}: {origin}/")];
    match lan::qr_code(&format!("{origin}/"), terminal) {
        Ok(code) => lines.push(code),
        Err(error) => tracing::warn!(%error, "no QR code"),
    }
    let host = language()
        .pick("For whoever runs the class, at another computer", "クラスの管理者がほかのコンピュータから使う場合");
    let link = if terminal {
        format!("{origin}/host/{}", app.visitors.host_token())
    } else {
        // Quoted as a shell takes it, whatever stands in the path. The database's address has a password in it.
        let data = match (&app.config.database, app.config.data.as_deref()) {
            (Some(_), _) => " --database …".to_owned(),
            (None, Some(data)) => format!(" --data {data:?}"),
            (None, None) => String::new(),
        };
        format!("isrlab class link{data} --at {origin}")
    };
    lines.push(format!("{host}: {link}"));
    lines
}

/// Every open page holds a connection, and many systems allow a process 1,024 open files unless it asks for more.
#[cfg(unix)]
fn allow_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let current = limit.maximum.map_or(MOST_CONNECTIONS, |maximum| maximum.min(MOST_CONNECTIONS));
    if limit.current.is_some_and(|now| now < current)
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(current), ..limit })
    {
        tracing::warn!(%error, "the system allows few open files, hence few open pages");
    }
}

#[cfg(not(unix))]
fn allow_connections() {}
