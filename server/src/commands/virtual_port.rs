//! `isrlab virtual`: a virtual board as a serial port for any other tool.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use emulator::{Config, FlashImage, Machine, Port, Strapping};

use super::emulation::EmulationOptions;
use super::signal::end_signal;
use super::wiring::WiringOption;
use crate::firmware;
use parts::Wired;
use ports::virtual_port::Cable;
use ports::virtual_port::flash_file::{self, FlashFile, FlashWatch};
use ports::virtual_port::network::NetworkPort;
use ports::virtual_port::paced::{self, Pace};
#[cfg(unix)]
use ports::virtual_port::pty::PseudoTerminal;
use workbench::emulated::Emulation;

/// The seed of the parts: a board that is switched on anew finds the same hands.
const SEED: u64 = 1;

/// Options of `isrlab virtual`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Offers the board as a pseudo-terminal: a path, without modem lines. This is the default.
    #[arg(long, conflicts_with = "rfc2217")]
    pty: bool,
    /// Offers the board over TCP with RFC 2217, which carries DTR and RTS; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    rfc2217: Option<String>,
    /// Which of the chip's two consoles the port is.
    #[arg(long, value_enum, default_value_t = Console::Uart0)]
    console: Console,
    /// Keeps the 4 MB flash contents in this file, and what is burnt into the eFuse in FILE.efuse; a new one begins with
    /// the lesson firmware.
    #[arg(long, value_name = "FILE")]
    flash: Option<PathBuf>,
    /// Starts in the ROM's download mode, as if the BOOT button had been held.
    #[arg(long)]
    download: bool,
    /// Lets virtual time run ahead while bytes are on the line: flashing takes seconds, the result is the same.
    #[arg(long)]
    fast: bool,
    #[command(flatten)]
    emulation: EmulationOptions,
    #[command(flatten)]
    wiring: WiringOption,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Console {
    /// UART0, where the ROM and the bootloader print.
    Uart0,
    /// USB-serial-JTAG.
    Usb,
}

/// A port that is open to other programs, before anybody is served.
enum Offer {
    #[cfg(unix)]
    Terminal(PseudoTerminal),
    Network(NetworkPort),
}

pub(super) fn execute(arguments: Arguments) -> anyhow::Result<ExitCode> {
    super::log_to_stderr("warn");
    // Before it is read: whoever has it may be writing.
    let file = arguments.flash.as_deref().map(FlashFile::claim).transpose()?;
    let contents = arguments.flash.as_deref().map(flash_file::read).transpose()?.flatten();
    let flash = FlashImage::from_bytes(contents.as_deref().unwrap_or(firmware::FLASH_IMAGE))?;
    let strapping = if arguments.download { Strapping::DownloadMode } else { Strapping::FlashBoot };
    let efuse = arguments.flash.as_deref().map(flash_file::read_efuse).transpose()?.flatten();
    let Emulation { timing, engine } = arguments.emulation.emulation();
    let mut machine = Machine::new(Config { flash, efuse, strapping, timing, engine, ..Config::default() });
    // The button is let go again: the next reset boots from flash.
    machine.set_strapping(Strapping::FlashBoot);

    if let Some(wiring) = arguments.wiring.read()? {
        // The parts are the machine's from now on, and its pins are nobody's to watch.
        Wired::connect(&wiring, SEED, &mut machine)?;
        machine.watch_pins(0);
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    // A new file begins with the lesson firmware, from the first moment on.
    let saved = contents.is_some().then(|| machine.flash().clone());
    let watch = file.as_ref().map(|file| file.watch(saved, machine.efuse()));
    let served = runtime.block_on(serve(&arguments, machine, watch));
    if let Some(file) = file {
        file.close()?;
    }
    served.map(|()| ExitCode::SUCCESS)
}

/// Offers the board until somebody presses Ctrl-C.
async fn serve(arguments: &Arguments, machine: Machine, mut watch: Option<FlashWatch>) -> anyhow::Result<()> {
    // From here on Ctrl-C must not end the process, or what was written last would be lost.
    let mut ended = std::pin::pin!(end_signal()?);
    let offer = offer(arguments).await?;
    let name = match &offer {
        #[cfg(unix)]
        Offer::Terminal(terminal) => terminal.path().display().to_string(),
        Offer::Network(port) => port.name()?,
    };
    // Scripts wait for this line; whoever closed the pipe does not want to know.
    let _ = writeln!(std::io::stdout(), "{name}").and_then(|()| std::io::stdout().flush());

    let console = match arguments.console {
        Console::Uart0 => Port::Uart0,
        Console::Usb => Port::Usb,
    };
    let pace = if arguments.fast { Pace::Fast } else { Pace::RealTime };
    let cable = Arc::new(Cable::default());
    let board = tokio::task::spawn_blocking({
        let cable = cable.clone();
        move || {
            let mut see = |machine: &Machine| {
                if let Some(watch) = &mut watch {
                    watch.see(machine.flash(), &machine.efuse());
                }
            };
            paced::run(machine, console, pace, &cable, &mut see)
        }
    });
    let service = async {
        match offer {
            #[cfg(unix)]
            Offer::Terminal(terminal) => terminal.serve(cable.clone()).await,
            Offer::Network(port) => {
                port.serve(cable.clone()).await;
                Ok(())
            }
        }
    };
    let outcome = tokio::select! {
        outcome = service => outcome.context("the port failed"),
        () = &mut ended => Ok(()),
    };
    cable.unplug();
    board.await.context("the virtual board failed")?;
    outcome
}

async fn offer(arguments: &Arguments) -> anyhow::Result<Offer> {
    if let Some(address) = &arguments.rfc2217 {
        let port = NetworkPort::bind(address).await.with_context(|| {
            format!("cannot listen on {address}; name a free port of this machine, such as 127.0.0.1:4000")
        })?;
        return Ok(Offer::Network(port));
    }
    #[cfg(unix)]
    return Ok(Offer::Terminal(PseudoTerminal::open().context("cannot make a pseudo-terminal")?));
    #[cfg(not(unix))]
    anyhow::bail!("this system has no pseudo-terminals; use --rfc2217 127.0.0.1:0");
}
