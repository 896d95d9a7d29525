//! UART1 for `machine.UART(1)`: received bytes wait in a ring, and may call back.

use esp_hal::Blocking;
use esp_hal::gpio::AnyPin;
use esp_hal::peripherals::{Interrupt, UART1};
use esp_hal::uart::{Config, DataBits, Parity, RxConfig, StopBits, Uart};
use micropython_sys::UART;
use portable_atomic::{AtomicU32, Ordering};

use crate::clock;
use crate::console::ring::Ring;
use crate::guard;
use crate::interrupts::{self, Shared};
use crate::sources;

const FIFO_BYTES: usize = 128;
const RX_BYTES: usize = 512;
/// At 115200 baud this is full after 5 ms.
const RX_THRESHOLD: u16 = 60;
/// So many bytes' time of silence end a burst.
const RX_IDLE_SYMBOLS: u8 = 2;

/// `UART.IRQ_RX`, `UART.IRQ_BREAK` and `UART.IRQ_RXIDLE`, as `ports/esp32/machine_uart.c` has them.
const IRQ_RX: u32 = 1;
const IRQ_BREAK: u32 = 2;
const IRQ_RX_IDLE: u32 = 0x1000;

static DRIVER: Shared<Option<Uart<'static, Blocking>>> = Shared::new(None);
static RX: Ring<RX_BYTES> = Ring::new();
static TRIGGER: AtomicU32 = AtomicU32::new(0);
static FLAGS: AtomicU32 = AtomicU32::new(0);

/// Starts, or starts anew. Parity: 0 even, 1 odd, else none. `false`: the driver cannot do that.
#[unsafe(no_mangle)]
extern "C" fn fw_uart_start(baud: u32, bits: u32, parity: i32, stop: u32, tx: u32, rx: u32) -> bool {
    let config = Config::default()
        .with_baudrate(baud)
        .with_data_bits(match bits {
            5 => DataBits::_5,
            6 => DataBits::_6,
            7 => DataBits::_7,
            _ => DataBits::_8,
        })
        .with_parity(match parity {
            0 => Parity::Even,
            1 => Parity::Odd,
            _ => Parity::None,
        })
        .with_stop_bits(if stop == 2 { StopBits::_2 } else { StopBits::_1 })
        .with_rx(RxConfig::default().with_fifo_full_threshold(RX_THRESHOLD).with_timeout(RX_IDLE_SYMBOLS));
    fw_uart_stop();
    // SAFETY: this file alone uses the peripheral, and Python decides about the pins.
    let (uart, tx, rx) = unsafe { (UART1::steal(), AnyPin::steal(tx as u8), AnyPin::steal(rx as u8)) };
    let Ok(driver) = Uart::new(uart, config) else { return false };
    DRIVER.with(|slot| *slot = Some(driver.with_tx(tx).with_rx(rx)));
    interrupts::bind(Interrupt::UART1, routine, interrupts::lesson_level(1));
    UART1::regs()
        .int_ena()
        .write(|w| w.rxfifo_full().set_bit().rxfifo_tout().set_bit().rxfifo_ovf().set_bit().brk_det().set_bit());
    true
}

#[unsafe(no_mangle)]
extern "C" fn fw_uart_stop() {
    sources::stop(UART);
    TRIGGER.store(0, Ordering::Relaxed);
    // What is dropped switches its clock off, so registers are not touched after that.
    let driver = DRIVER.with(|slot| {
        if slot.is_some() {
            UART1::regs().int_ena().reset();
        }
        slot.take()
    });
    drop(driver);
    while RX.pop().is_some() {}
}

fn is_started() -> bool {
    DRIVER.with(|slot| slot.is_some())
}

/// Moves what the hardware has received. With lesson interrupts off, or at their level.
fn drain() -> usize {
    let regs = UART1::regs();
    let mut count = 0;
    while regs.status().read().rxfifo_cnt().bits() > 0 {
        // A byte that finds no room is lost, as in any serial driver.
        RX.push(&[regs.fifo().read().rxfifo_rd_byte().bits()]);
        count += 1;
    }
    count
}

#[unsafe(no_mangle)]
extern "C" fn fw_uart_any() -> u32 {
    if is_started() {
        interrupts::undisturbed(drain);
    }
    RX.len() as u32
}

#[unsafe(no_mangle)]
extern "C" fn fw_uart_read() -> i32 {
    RX.pop().map_or(-1, i32::from)
}

/// Puts as much into the hardware as fits, and returns how much.
#[unsafe(no_mangle)]
extern "C" fn fw_uart_write(bytes: *const u8, len: usize) -> usize {
    if !is_started() {
        return 0;
    }
    let regs = UART1::regs();
    let free = FIFO_BYTES.saturating_sub(usize::from(regs.status().read().txfifo_cnt().bits()) + 1);
    let count = len.min(free);
    for i in 0..count {
        // SAFETY: C hands over `len` bytes.
        let byte = unsafe { bytes.add(i).read() };
        regs.fifo().write(|w| unsafe { w.rxfifo_rd_byte().bits(byte) });
    }
    count
}

#[unsafe(no_mangle)]
extern "C" fn fw_uart_is_idle() -> bool {
    !is_started()
        || UART1::regs().status().read().txfifo_cnt().bits() == 0
            && UART1::regs().fsm_status().read().st_utx_out().bits() == 0
}

/// Calls back for what `trigger` names, from now on; counts anew. 0: not any more.
#[unsafe(no_mangle)]
extern "C" fn fw_uart_irq(trigger: u32, hard: bool) {
    sources::stop(UART);
    TRIGGER.store(trigger, Ordering::Relaxed);
    FLAGS.store(0, Ordering::Relaxed);
    if trigger != 0 {
        sources::with(UART, |source| sources::begin(source, hard, clock::ticks()));
    }
}

#[unsafe(no_mangle)]
extern "C" fn fw_uart_irq_trigger() -> u32 {
    TRIGGER.load(Ordering::Relaxed)
}

#[unsafe(no_mangle)]
extern "C" fn fw_uart_irq_flags() -> u32 {
    FLAGS.load(Ordering::Relaxed)
}

extern "C" fn routine() {
    let entered = clock::ticks();
    let regs = UART1::regs();
    let status = regs.int_st().read();
    regs.int_clr().write(|w| unsafe { w.bits(status.bits()) });
    let mut flags = 0;
    if drain() > 0 {
        flags |= IRQ_RX;
    }
    if status.rxfifo_tout().bit_is_set() {
        flags |= IRQ_RX_IDLE;
    }
    if status.brk_det().bit_is_set() {
        flags |= IRQ_BREAK;
    }
    let is_active = sources::with(UART, |source| source.active);
    if is_active && flags & TRIGGER.load(Ordering::Relaxed) != 0 {
        FLAGS.store(flags, Ordering::Relaxed);
        let hard = sources::with(UART, |source| source.hard);
        if hard {
            sources::dispatch(UART, entered, entered);
        } else {
            let outer = guard::enter(UART, entered);
            sources::dispatch(UART, entered, entered);
            guard::leave(&outer, false);
        }
    }
}
