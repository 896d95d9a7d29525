//! How long flashing takes at 921600 baud against what the wire allows: `cargo run -p e2e --example flash-figures`.
//!
//! The board keeps to real time, so that every baud rate is true. Its own clock is what is told: on a machine that is too
//! busy for real time it stands still while the emulator waits for the processor.

use std::sync::Arc;
use std::time::Instant;

use emulator::bus::TICKS_PER_SECOND;
use emulator::{Config, Machine, Port};
use ports::flash::{Cancel, Image, flash};
use ports::serial::{CONSOLE_BAUD, PortAddress, SerialLine};
use ports::virtual_port::Cable;
use ports::virtual_port::network::NetworkPort;
use ports::virtual_port::paced::{self, Pace};
use tokio::sync::watch;
use workbench::flashing::Progress;

/// Bytes per second at 921600 baud: ten bits for each.
const WIRE_BYTES_PER_SECOND: f64 = 92_160.0;

#[tokio::main]
async fn main() {
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    let whole = Image {
        name: "4 MiB that no compression makes smaller".to_owned(),
        offset: Some(0),
        // An image would begin with 0xE9 and be checked.
        data: std::iter::once(0).chain(std::iter::repeat_with(&mut noise)).take(4 << 20).collect(),
        sparse: false,
    };
    println!("| image | bytes | with checks and reset | wire limit |\n|---|---|---|---|");
    for image in [isrlab::firmware::image(), whole] {
        let name = image.name.clone();
        let bytes: usize = image.parts().iter().map(|(_, part)| part.len()).sum();
        // The library sends each 64 KiB piece deflated, if that makes it smaller.
        let sent: usize = image.parts().iter().flat_map(|(_, part)| part.chunks(64 * 1024)).map(deflated_length).sum();
        let started = Instant::now();
        let seconds = measure(image).await;
        let limit = sent as f64 / WIRE_BYTES_PER_SECOND;
        println!("| {name} | {bytes} ({sent} sent) | {seconds:.1} s | {limit:.1} s |");
        eprintln!("{:.1} s on the wall", started.elapsed().as_secs_f64());
    }
}

fn deflated_length(piece: &[u8]) -> usize {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    let deflated = encoder.write_all(piece).and_then(|()| encoder.finish()).expect("a Vec takes everything");
    deflated.len().min(piece.len())
}

/// Flashes a blank board; returns the seconds on its own clock.
async fn measure(image: Image) -> f64 {
    let port = NetworkPort::bind("127.0.0.1:0").await.expect("a free port");
    let address: PortAddress =
        port.name().and_then(|name| name.parse().map_err(std::io::Error::other)).expect("its name");
    let cable = Arc::new(Cable::default());
    let board = tokio::task::spawn_blocking({
        let cable = cable.clone();
        move || paced::run(Machine::new(Config::default()), Port::Uart0, Pace::RealTime, &cable, &mut |_| {})
    });
    let server = tokio::spawn(port.serve(cable.clone()));
    let line = SerialLine::open(&address, CONSOLE_BAUD, None).await.expect("the board's port");
    let (sender, _receiver) = watch::channel(Progress::default());
    let (_line, outcome) = flash(line, None, [image].into(), sender, &Cancel::default()).await;
    outcome.expect("flashing a virtual board");
    cable.unplug();
    let machine = board.await.expect("the board's thread");
    server.abort();
    machine.ticks() as f64 / TICKS_PER_SECOND as f64
}
