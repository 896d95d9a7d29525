//! USB-serial-JTAG controller, USB_DEVICE (TRM, chapter "USB Serial/JTAG Controller"): the serial
//! half, with packets of at most 64 bytes and the start-of-frame tick by which firmware finds out
//! that a host is there.

use std::collections::VecDeque;

use super::{Interrupts, Registers, bit};
use crate::bus::{TICKS_PER_SECOND, Tick};
use crate::in_place::clone_in_place;

const EP1: u32 = 0x00;
const EP1_CONF: u32 = 0x04;
const INT_RAW: u32 = 0x08;
const INT_ST: u32 = 0x0C;
const INT_ENA: u32 = 0x10;
const INT_CLR: u32 = 0x14;
const JFIFO_ST: u32 = 0x20;
const FRAM_NUM: u32 = 0x24;
const IN_EP0_ST: u32 = 0x28;
const OUT_EP2_ST: u32 = 0x40;

const RESET: &[(u32, u32)] = &[(0x18, 0x0000_4200), (JFIFO_ST, 0x0000_0044), (0x48, 0x0000_0002), (0x80, 0x0210_1200)];

const SOF_INT: u32 = 1 << 1;
const SERIAL_OUT_RECV_PKT_INT: u32 = 1 << 2;
const SERIAL_IN_EMPTY_INT: u32 = 1 << 3;
const ALL_INTS: u32 = 0xFFF;

/// Largest packet of the serial endpoints.
const PACKET: usize = 64;
/// Time one full packet takes on a full-speed bus, about 12 Mbit/s with its overhead.
const PACKET_TICKS: Tick = TICKS_PER_SECOND / 20_000;
/// The bus sends a start of frame every millisecond.
const FRAME_TICKS: Tick = TICKS_PER_SECOND / 1000;
/// Bytes that may wait at the host.
const HOST_CAPACITY: usize = 1 << 20;

/// The USB_DEVICE block at 0x6004_3000.
#[derive(Debug, Hash)]
pub(crate) struct UsbDevice {
    registers: Registers<0x21>,
    interrupts: Interrupts,
    /// Towards the host: what the chip writes until the packet goes.
    input: VecDeque<u8>,
    /// When the packet being sent is with the host (`Tick::MAX`: none is under way).
    sent: Tick,
    /// From the host: the packet the chip reads now.
    output: VecDeque<u8>,
    /// When the host offers its next packet (`Tick::MAX`: it has none).
    offers: Tick,
    /// Up to when start-of-frame interrupts have been dealt with.
    frames_seen: u64,
}
clone_in_place!(UsbDevice { registers, interrupts, input, sent, output, offers, frames_seen });

/// The host's end of the USB cable.
#[derive(Debug, Hash)]
pub(crate) struct Cable {
    outgoing: VecDeque<u8>,
    connected: bool,
}
clone_in_place!(Cable { outgoing, connected });

impl Cable {
    /// A cable with a host at its end.
    pub(crate) fn new() -> Self {
        Self { outgoing: VecDeque::new(), connected: true }
    }

    /// Queues bytes for the chip; returns how many there was room for.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> usize {
        let taken = bytes.len().min(HOST_CAPACITY.saturating_sub(self.outgoing.len()));
        self.outgoing.extend(&bytes[..taken]);
        taken
    }

    /// Bytes the chip has not taken yet.
    pub(crate) fn waiting(&self) -> usize {
        self.outgoing.len()
    }

    /// Plugs the cable in or out. Without a host nothing the chip writes leaves it.
    pub(crate) fn set_connected(&mut self, connected: bool) {
        self.connected = connected;
    }
}

impl UsbDevice {
    pub(crate) fn new(now: Tick) -> Self {
        Self {
            registers: Registers::new(RESET),
            interrupts: Interrupts { raw: SERIAL_IN_EMPTY_INT, enabled: 0 },
            input: VecDeque::with_capacity(PACKET),
            sent: Tick::MAX,
            output: VecDeque::with_capacity(PACKET),
            offers: Tick::MAX,
            frames_seen: now / FRAME_TICKS,
        }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    /// The tick of the next packet or of a start of frame that is waited for.
    pub(crate) fn deadline(&self, cable: &Cable) -> Tick {
        let waits_for_frame =
            cable.connected && self.interrupts.enabled & SOF_INT != 0 && self.interrupts.raw & SOF_INT == 0;
        let frame = if waits_for_frame { (self.frames_seen + 1).saturating_mul(FRAME_TICKS) } else { Tick::MAX };
        self.sent.min(self.offers).min(frame)
    }

    /// Plans the next packet from the host if there is one and none is planned.
    pub(crate) fn listen(&mut self, now: Tick, cable: &Cable) {
        if cable.connected && self.offers == Tick::MAX && !cable.outgoing.is_empty() {
            self.offers = now.saturating_add(PACKET_TICKS);
        }
        if cable.connected && self.sent == Tick::MAX && self.sending() {
            self.sent = now.saturating_add(PACKET_TICKS);
        }
    }

    /// Whether a finished packet waits in the input buffer: it is full or was flushed.
    fn sending(&self) -> bool {
        self.registers.get(EP1_CONF) & 1 != 0
    }

    /// Lets what is due happen; hands packets that reached the host to `deliver`.
    pub(crate) fn run(&mut self, now: Tick, cable: &mut Cable, mut deliver: impl FnMut(&[u8])) {
        self.see_frames(now, cable);
        if self.sent <= now {
            self.sent = Tick::MAX;
            deliver(self.input.make_contiguous());
            self.input.clear();
            self.registers.set(EP1_CONF, 0);
            self.interrupts.raw |= SERIAL_IN_EMPTY_INT;
        }
        if self.offers <= now {
            self.offers = Tick::MAX;
            // The endpoint answers NAK until the chip has read the packet before.
            if self.output.is_empty() {
                let length = cable.outgoing.len().min(PACKET);
                self.output.extend(cable.outgoing.drain(..length));
                if length > 0 {
                    self.interrupts.raw |= SERIAL_OUT_RECV_PKT_INT;
                }
            }
            self.listen(now, cable);
        }
    }

    /// Sets the start-of-frame interrupt if a frame began since the last look.
    fn see_frames(&mut self, now: Tick, cable: &Cable) {
        let frames = now / FRAME_TICKS;
        if frames > self.frames_seen {
            self.frames_seen = frames;
            if cable.connected {
                self.interrupts.raw |= SOF_INT;
            }
        }
    }

    pub(crate) fn peek(&self, now: Tick, offset: u32) -> u32 {
        match offset {
            EP1 => self.output.front().copied().map_or(0, u32::from),
            EP1_CONF => u32::from(!self.sending()) << 1 | u32::from(!self.output.is_empty()) << 2,
            INT_RAW => self.interrupts.raw,
            INT_ST => self.interrupts.status(),
            INT_ENA => self.interrupts.enabled,
            INT_CLR => 0,
            FRAM_NUM => (now / FRAME_TICKS) as u32 & 0x7FF,
            IN_EP0_ST..0x38 => 1,
            0x38..=OUT_EP2_ST => 0,
            _ => self.registers.get(offset),
        }
    }

    /// Reads a register; reading EP1 takes a byte out of the packet.
    pub(crate) fn load(&mut self, now: Tick, cable: &Cable, offset: u32) -> u32 {
        self.see_frames(now, cable);
        let value = self.peek(now, offset);
        if offset == EP1 {
            self.output.pop_front();
        }
        value
    }

    pub(crate) fn store(&mut self, now: Tick, cable: &Cable, offset: u32, value: u32) {
        self.see_frames(now, cable);
        match offset {
            EP1 => {
                if !self.sending() {
                    self.input.push_back(value as u8);
                    if self.input.len() == PACKET {
                        self.registers.set(EP1_CONF, 1);
                    }
                }
            }
            EP1_CONF => {
                // WR_DONE sends what is there, be it nothing.
                if bit(value, 0) {
                    self.registers.set(EP1_CONF, 1);
                }
            }
            INT_RAW => self.interrupts.raw = value & ALL_INTS,
            INT_ENA => self.interrupts.enabled = value & ALL_INTS,
            INT_CLR => self.interrupts.raw &= !value,
            INT_ST | FRAM_NUM | IN_EP0_ST..=OUT_EP2_ST => {}
            _ => self.registers.set(offset, value),
        }
        self.listen(now, cable);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn written_bytes_leave_as_packets() {
        let (mut usb, mut cable) = (UsbDevice::new(0), Cable::new());
        for byte in b"hello" {
            assert_eq!(usb.peek(0, EP1_CONF) & 2, 2);
            usb.store(0, &cable, EP1, u32::from(*byte));
        }
        assert_eq!(usb.deadline(&cable), Tick::MAX, "not flushed yet");
        usb.store(0, &cable, EP1_CONF, 1);
        assert_eq!(usb.peek(0, EP1_CONF) & 2, 0, "no room until the packet has gone");
        let mut got = Vec::new();
        usb.run(usb.deadline(&cable), &mut cable, |bytes| got.extend_from_slice(bytes));
        assert_eq!(got, b"hello");
        assert_eq!(usb.peek(0, EP1_CONF) & 2, 2);
    }

    #[test]
    fn a_full_packet_goes_by_itself() {
        let (mut usb, mut cable) = (UsbDevice::new(0), Cable::new());
        for n in 0..70 {
            usb.store(0, &cable, EP1, n);
        }
        let mut got = Vec::new();
        usb.run(usb.deadline(&cable), &mut cable, |bytes| got.extend_from_slice(bytes));
        assert_eq!(got.len(), PACKET);
    }

    #[test]
    fn input_comes_in_packets_and_each_raises_its_interrupt() {
        let (mut usb, mut cable) = (UsbDevice::new(0), Cable::new());
        usb.store(0, &cable, INT_ENA, SERIAL_OUT_RECV_PKT_INT);
        cable.send(&[7; 100]);
        usb.listen(0, &cable);
        let mut now = 0;
        let mut packets = Vec::new();
        while usb.deadline(&cable) != Tick::MAX {
            now = usb.deadline(&cable);
            usb.run(now, &mut cable, |_| {});
            if usb.active() {
                usb.store(now, &cable, INT_CLR, SERIAL_OUT_RECV_PKT_INT);
                let mut count = 0;
                while usb.peek(now, EP1_CONF) & 4 != 0 {
                    assert_eq!(usb.load(now, &cable, EP1), 7);
                    count += 1;
                }
                packets.push(count);
            }
        }
        assert_eq!(packets, [64, 36]);
        assert!(now > 0);
    }

    #[test]
    fn a_start_of_frame_tells_of_a_host() {
        let (mut usb, mut cable) = (UsbDevice::new(0), Cable::new());
        usb.store(0, &cable, INT_ENA, SOF_INT);
        assert_eq!(usb.deadline(&cable), FRAME_TICKS);
        usb.run(FRAME_TICKS, &mut cable, |_| {});
        assert!(usb.active());
        cable.set_connected(false);
        usb.store(FRAME_TICKS, &cable, INT_CLR, SOF_INT);
        assert_eq!(usb.deadline(&cable), Tick::MAX);
        usb.store(9 * FRAME_TICKS, &cable, INT_CLR, 0);
        assert!(!usb.active());
    }

    #[test]
    fn without_a_host_the_packet_stays() {
        let (mut usb, mut cable) = (UsbDevice::new(0), Cable::new());
        cable.set_connected(false);
        usb.store(0, &cable, EP1, 1);
        usb.store(0, &cable, EP1_CONF, 1);
        assert_eq!(usb.deadline(&cable), Tick::MAX);
        assert_eq!(usb.peek(0, EP1_CONF) & 2, 0);
        cable.set_connected(true);
        usb.listen(50, &cable);
        assert_eq!(usb.deadline(&cable), 50 + PACKET_TICKS);
    }
}
