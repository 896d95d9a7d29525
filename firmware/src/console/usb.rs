//! USB-serial-JTAG (ESP32-C3 TRM, chapter 30): 64-byte packets, and perhaps nobody at the other end.

use portable_atomic::{AtomicBool, Ordering};

use esp_hal::peripherals::{Interrupt, USB_DEVICE};
use esp_hal::usb::usb_serial_jtag::UsbSerialJtag;

use super::Id;
use super::line::Line;
use crate::interrupts;

const PACKET_BYTES: usize = 64;

pub(super) static LINE: Line = Line::new(Id::Usb);
/// The host has fetched what was sent last: somebody reads.
static READ: AtomicBool = AtomicBool::new(false);
/// A packet is under way to the host.
static SENDING: AtomicBool = AtomicBool::new(false);
/// The packet sent last had 64 bytes.
static LAST_WAS_FULL: AtomicBool = AtomicBool::new(false);

pub(super) fn init(usb: USB_DEVICE<'static>) {
    // The driver switches the clock on; it must not be dropped, or the clock goes off again.
    core::mem::forget(UsbSerialJtag::new(usb));
    interrupts::bind(Interrupt::USB_DEVICE, routine, interrupts::KERNEL);
    USB_DEVICE::regs().int_ena().write(|w| w.serial_out_recv_pkt().set_bit().serial_in_empty().set_bit());
    // What was typed while the chip booted waits without an interrupt, and keeps the host from sending more.
    interrupts::free(receive);
}

/// Takes the packet that the host has sent. At kernel level, or with interrupts off.
fn receive() {
    let regs = USB_DEVICE::regs();
    let mut bytes = [0; PACKET_BYTES];
    let mut count = 0;
    while count < PACKET_BYTES && regs.ep1_conf().read().serial_out_ep_data_avail().bit_is_set() {
        bytes[count] = regs.ep1().read().rdwr_byte().bits();
        count += 1;
    }
    LINE.receive(&bytes[..count]);
}

/// Starts sending, if nothing is being sent. From anywhere, with interrupts off.
pub(super) fn kick() {
    if !SENDING.load(Ordering::Relaxed) {
        send();
    }
}

/// Whether a host has been reading lately, so that waiting for space makes sense.
pub(super) fn has_reader() -> bool {
    READ.load(Ordering::Relaxed)
}

/// Text had to wait too long: nobody reads.
pub(super) fn give_up_reader() {
    READ.store(false, Ordering::Relaxed);
}

extern "C" fn routine() {
    let regs = USB_DEVICE::regs();
    let status = regs.int_st().read();
    if status.serial_out_recv_pkt().bit_is_set() {
        regs.int_clr().write(|w| w.serial_out_recv_pkt().clear_bit_by_one());
        receive();
    }
    if status.serial_in_empty().bit_is_set() {
        regs.int_clr().write(|w| w.serial_in_empty().clear_bit_by_one());
        READ.store(true, Ordering::Relaxed);
        send();
    }
}

/// Fills one packet and hands it over; an interrupt comes when the host has fetched it.
/// At kernel level, or with interrupts off.
fn send() {
    let regs = USB_DEVICE::regs();
    if regs.ep1_conf().read().serial_in_ep_data_free().bit_is_clear() {
        // A packet from before is under way; its interrupt comes back here.
        SENDING.store(true, Ordering::Relaxed);
        return;
    }
    let mut count = 0;
    while count < PACKET_BYTES {
        let Some(byte) = LINE.next_byte() else { break };
        regs.ep1().write(|w| unsafe { w.rdwr_byte().bits(byte) });
        count += 1;
    }
    // A host reads on after a full packet: an empty one tells it that this was all.
    if count == 0 && !LAST_WAS_FULL.load(Ordering::Relaxed) {
        SENDING.store(false, Ordering::Relaxed);
        return;
    }
    LAST_WAS_FULL.store(count == PACKET_BYTES, Ordering::Relaxed);
    SENDING.store(true, Ordering::Relaxed);
    regs.ep1_conf().write(|w| w.wr_done().set_bit());
}
