//! The two consoles. Text goes to both, input comes from both; frames go to the one that greeted.

mod line;
pub(crate) mod mailbox;
mod ring;
pub(crate) mod uart;
mod usb;

use esp_hal::peripherals::{GPIO20, GPIO21, UART0, USB_DEVICE};
use micropython_sys as port;

use crate::alarm::{self, Waiter};
use crate::clock::{self, TICKS_PER_SECOND};
use crate::interrupts;
use line::Line;
use protocol::frame::FRAME_START;
use ring::Ring;

/// Which console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Id {
    Uart,
    Usb,
}

/// How long text waits for a USB host that does not read, in ticks.
const USB_PATIENCE: u64 = TICKS_PER_SECOND / 20;
/// Text goes out in pieces, so that interrupts are off only for a moment.
const PIECE_BYTES: usize = 32;
/// What a console shows where a program wrote [`FRAME_START`].
const FRAME_START_SHOWN: u8 = b'?';

static INPUT: Ring<2048> = Ring::new();

pub(crate) fn init(uart: UART0<'static>, rx: GPIO20<'static>, tx: GPIO21<'static>, usb: USB_DEVICE<'static>) {
    uart::init(uart, rx, tx);
    usb::init(usb);
}

fn line(id: Id) -> &'static Line {
    match id {
        Id::Uart => &uart::LINE,
        Id::Usb => &usb::LINE,
    }
}

fn kick(id: Id) {
    match id {
        Id::Uart => uart::kick(),
        Id::Usb => usb::kick(),
    }
}

/// Takes one byte of console input: Ctrl-C interrupts, anything else is read by Python later.
/// `false`: no room. At kernel level.
fn input(byte: u8) -> bool {
    // SAFETY: both only touch flags of the VM, and this level excludes everything that does, too.
    unsafe {
        if i32::from(byte) == port::port_interrupt_char() {
            port::port_keyboard_interrupt();
            return true;
        }
    }
    INPUT.push(&[byte]) == 1
}

/// Sends a frame whole, or not at all. At telemetry level.
pub(crate) fn send_frame(id: Id, frame: &[u8]) -> bool {
    let sent = line(id).push_frame(frame);
    interrupts::free(|| kick(id));
    sent
}

/// Bytes received on any console that nothing could be done with, since reset.
pub(crate) fn bad_bytes() -> u32 {
    uart::LINE.bad_bytes().wrapping_add(usb::LINE.bad_bytes())
}

/// Whether Python has input waiting.
pub(crate) fn readable() -> bool {
    !INPUT.is_empty()
}

/// Writes text to both consoles; waits while a line that somebody reads is full.
/// From main and lesson levels: the consoles' own level preempts both, so the wait ends.
fn write(text: &[u8]) {
    write_line(Id::Uart, text);
    write_line(Id::Usb, text);
}

/// Copies a piece of text, without the byte that begins a frame: a program's output must not pass for telemetry.
fn as_text<'a>(piece: &[u8], copy: &'a mut [u8; PIECE_BYTES]) -> &'a [u8] {
    let copy = &mut copy[..piece.len()];
    copy.copy_from_slice(piece);
    // An official build has no frames, and lets a program write any byte.
    if !cfg!(feature = "plain") {
        copy.iter_mut().filter(|byte| **byte == FRAME_START).for_each(|byte| *byte = FRAME_START_SHOWN);
    }
    copy
}

fn write_line(id: Id, mut text: &[u8]) {
    let line = line(id);
    let mut deadline = None;
    while !text.is_empty() {
        let mut copy = [0; PIECE_BYTES];
        let piece = as_text(&text[..text.len().min(PIECE_BYTES)], &mut copy);
        let written = interrupts::free(|| {
            let written = line.push_text(piece);
            kick(id);
            written
        });
        text = &text[written..];
        if written > 0 {
            deadline = None;
            continue;
        }
        if id == Id::Usb {
            if !usb::has_reader() {
                return;
            }
            let now = clock::ticks();
            let until = *deadline.get_or_insert(now + USB_PATIENCE);
            if now >= until {
                usb::give_up_reader();
                return;
            }
            alarm::set(Waiter::Console, until);
        }
        interrupts::wait_unless(|| line.text_space() > 0);
    }
}

/// Says as much of a sentence as there is room for, without waiting. From any level.
pub(crate) fn say(sentence: &str) {
    for id in [Id::Uart, Id::Usb] {
        interrupts::free(|| {
            line(id).push_text(sentence.as_bytes());
            kick(id);
        });
    }
}

/// Waits until everything has left the chip.
pub(crate) fn flush() {
    while !uart::LINE.is_drained() {
        interrupts::wait_unless(|| uart::LINE.is_drained());
    }
    while !uart::is_idle() {}
}

/// Writes past the rings, for the last words of a panic.
pub(crate) fn write_raw(text: &str) {
    for byte in text.bytes() {
        uart::write_raw(byte);
    }
}

#[unsafe(no_mangle)]
extern "C" fn fw_console_read() -> i32 {
    INPUT.pop().map_or(-1, i32::from)
}

#[unsafe(no_mangle)]
extern "C" fn fw_console_readable() -> bool {
    readable()
}

#[unsafe(no_mangle)]
extern "C" fn fw_console_writable() -> bool {
    uart::LINE.text_space() > 0
}

/// `text` points to `len` bytes.
#[unsafe(no_mangle)]
extern "C" fn fw_console_write(text: *const u8, len: usize) {
    if len > 0 {
        // SAFETY: C hands over a readable buffer of that length.
        write(unsafe { core::slice::from_raw_parts(text, len) });
    }
}
