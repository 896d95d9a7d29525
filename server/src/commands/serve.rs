//! `isrlab serve`: the workbench itself.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;

use crate::app::{App, AppState};
use crate::config::{DEFAULT_LISTEN, ServeConfig};
use crate::router::router;

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
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let config =
        ServeConfig { listen: arguments.listen, lan: arguments.lan, data: arguments.data, ..ServeConfig::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(config))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: ServeConfig) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .with_context(|| format!("cannot listen on {}; is another workbench running there?", config.listen))?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, router(AppState::from(App::new(config)))).await?;
    Ok(())
}
