//! UART0: pins 21 (TX) and 20 (RX), 115200 baud unless the host asks for more.

use esp_hal::Blocking;
use esp_hal::peripherals::{GPIO20, GPIO21, Interrupt, UART0};
use esp_hal::uart::{Config, RxConfig, TxConfig, Uart};

use portable_atomic::{AtomicU32, Ordering};

use super::Id;
use super::line::Line;
use crate::alarm::{self, Waiter};
use crate::clock::{self, TICKS_PER_SECOND};
use crate::interrupts::{self, Shared};

/// Bits per second after reset.
pub(crate) const DEFAULT_BAUD: u32 = 115_200;
/// What the chip's driver and common USB bridges both do.
pub(crate) const BAUD_RANGE: core::ops::RangeInclusive<u32> = 9600..=2_000_000;

const FIFO_BYTES: usize = 128;
/// Low enough to keep the line busy, high enough to refill in bulk.
const TX_THRESHOLD: u16 = 32;
/// At 921600 baud a burst of this size takes 0.2 ms: control frames are not kept waiting.
const RX_THRESHOLD: u16 = 24;

pub(super) static LINE: Line = Line::new(Id::Uart);
static DRIVER: Shared<Option<Uart<'static, Blocking>>> = Shared::new(None);

fn config(baud: u32) -> Config {
    Config::default()
        .with_baudrate(baud)
        .with_rx(RxConfig::default().with_fifo_full_threshold(RX_THRESHOLD).with_timeout(2))
        .with_tx(TxConfig::default().with_fifo_empty_threshold(TX_THRESHOLD))
}

pub(super) fn init(uart: UART0<'static>, rx: GPIO20<'static>, tx: GPIO21<'static>) {
    let driver = Uart::new(uart, config(DEFAULT_BAUD)).ok().map(|driver| driver.with_rx(rx).with_tx(tx));
    DRIVER.with(|slot| *slot = driver);
    interrupts::bind(Interrupt::UART0, routine, interrupts::KERNEL);
    UART0::regs().int_ena().modify(|_, w| w.rxfifo_full().set_bit().rxfifo_tout().set_bit().rxfifo_ovf().set_bit());
}

/// The speed that the line is about to change to; 0: none.
static BAUD_REQUESTED: AtomicU32 = AtomicU32::new(0);
/// How often the line is asked whether it is idle, in ticks.
const IDLE_POLL: u64 = TICKS_PER_SECOND / 500;

/// Changes the line's speed as soon as everything that waits has been sent. At telemetry level.
pub(crate) fn request_baud(baud: u32) {
    BAUD_REQUESTED.store(baud, Ordering::Relaxed);
    alarm::set(Waiter::Baud, clock::ticks() + IDLE_POLL);
}

/// Whether a change of speed is under way.
pub(crate) fn baud_requested() -> bool {
    BAUD_REQUESTED.load(Ordering::Relaxed) != 0
}

/// Changes the speed now, or asks to be called again. At kernel level.
pub(crate) fn change_baud_if_idle(now: u64) {
    if !(LINE.is_drained() && is_idle()) {
        alarm::set(Waiter::Baud, now + IDLE_POLL);
        return;
    }
    let baud = BAUD_REQUESTED.swap(0, Ordering::Relaxed);
    DRIVER.with(|driver| {
        if let Some(driver) = driver {
            // The range was checked; a refusal leaves the old speed.
            let _ = driver.apply_config(&config(baud));
        }
    });
}

/// Starts sending, if nothing is being sent. From anywhere, with interrupts off.
pub(super) fn kick() {
    UART0::regs().int_ena().modify(|_, w| w.txfifo_empty().set_bit());
}

/// Whether the last byte has left the chip.
pub(super) fn is_idle() -> bool {
    UART0::regs().status().read().txfifo_cnt().bits() == 0 && UART0::regs().fsm_status().read().st_utx_out().bits() == 0
}

/// Puts one byte into the FIFO without the ring, waiting for room. For the last words of a panic.
pub(super) fn write_raw(byte: u8) {
    while usize::from(UART0::regs().status().read().txfifo_cnt().bits()) >= FIFO_BYTES - 2 {}
    UART0::regs().fifo().write(|w| unsafe { w.rxfifo_rd_byte().bits(byte) });
}

extern "C" fn routine() {
    let regs = UART0::regs();
    let status = regs.int_st().read();
    if status.rxfifo_full().bit_is_set() || status.rxfifo_tout().bit_is_set() || status.rxfifo_ovf().bit_is_set() {
        let mut bytes = [0; FIFO_BYTES];
        let mut count = 0;
        while count < FIFO_BYTES && regs.status().read().rxfifo_cnt().bits() > 0 {
            bytes[count] = regs.fifo().read().rxfifo_rd_byte().bits();
            count += 1;
        }
        regs.int_clr().write(|w| {
            w.rxfifo_full().clear_bit_by_one().rxfifo_tout().clear_bit_by_one().rxfifo_ovf().clear_bit_by_one()
        });
        LINE.receive(&bytes[..count]);
    }
    if status.txfifo_empty().bit_is_set() {
        let free = FIFO_BYTES.saturating_sub(usize::from(regs.status().read().txfifo_cnt().bits()) + 1);
        for _ in 0..free {
            match LINE.next_byte() {
                Some(byte) => regs.fifo().write(|w| unsafe { w.rxfifo_rd_byte().bits(byte) }),
                None => {
                    regs.int_ena().modify(|_, w| w.txfifo_empty().clear_bit());
                    break;
                }
            };
        }
        regs.int_clr().write(|w| w.txfifo_empty().clear_bit_by_one());
    }
}
