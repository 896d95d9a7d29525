//! Virtual boards at the end of a cable: to the workbench they are attached boards like any other.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use emulator::{Config, FlashImage, Machine, Port, Strapping};
use ports::virtual_port::Cable;
use ports::virtual_port::network::NetworkPort;
use ports::virtual_port::paced::{self, Pace};
use ports::virtual_port::pty::PseudoTerminal;

/// A board that is plugged in. Dropping it pulls the plug.
pub(crate) struct CabledBoard {
    cable: Arc<Cable>,
    thread: Option<JoinHandle<Machine>>,
    service: tokio::task::JoinHandle<()>,
    /// The port, as tools take it.
    pub(crate) port: String,
}

impl CabledBoard {
    /// A board with the lesson firmware at a pseudo-terminal.
    pub(crate) fn terminal() -> Self {
        let machine = machine(isrlab::firmware::FLASH_IMAGE, Strapping::FlashBoot);
        let terminal = PseudoTerminal::open().unwrap();
        let port = terminal.path().display().to_string();
        Self::start(machine, port, |cable| async move { terminal.serve(cable).await.unwrap() })
    }

    /// A board with these flash contents behind an RFC 2217 server.
    pub(crate) async fn network(flash: &[u8]) -> Self {
        let machine = machine(flash, Strapping::FlashBoot);
        let listener = NetworkPort::bind("127.0.0.1:0").await.unwrap();
        let port = listener.name().unwrap();
        Self::start(machine, port, |cable| listener.serve(cable))
    }

    fn start<F: Future<Output = ()> + Send + 'static>(
        machine: Machine,
        port: String,
        serve: impl FnOnce(Arc<Cable>) -> F,
    ) -> Self {
        let cable = Arc::new(Cable::default());
        let at_board = cable.clone();
        let thread = std::thread::spawn(move || paced::run(machine, Port::Uart0, Pace::Fast, &at_board, &mut |_| {}));
        let service = tokio::spawn(serve(cable.clone()));
        Self { cable, thread: Some(thread), service, port }
    }

    /// Pulls the plug and returns what is in flash.
    pub(crate) async fn unplug(mut self) -> Vec<u8> {
        self.pull();
        let thread = self.thread.take().unwrap();
        // The port is closed once its service is gone.
        while !self.service.is_finished() {
            tokio::task::yield_now().await;
        }
        tokio::task::spawn_blocking(|| thread.join().unwrap().flash().to_bytes()).await.unwrap()
    }

    fn pull(&self) {
        self.service.abort();
        self.cable.unplug();
    }
}

impl Drop for CabledBoard {
    fn drop(&mut self) {
        self.pull();
    }
}

fn machine(flash: &[u8], strapping: Strapping) -> Machine {
    Machine::new(Config { flash: FlashImage::from_bytes(flash).unwrap(), strapping, ..Config::default() })
}

/// A path that leads to a port while it is plugged in.
pub(crate) struct Socket {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Socket {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("board");
        Self { _folder: folder, path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn plug(&self, board: &CabledBoard) {
        std::os::unix::fs::symlink(&board.port, &self.path).unwrap();
    }
}
