//! I2C0 as a target for `machine.I2CTarget(0)` (TRM, chapter "I2C Controller", slave mode).
//!
//! What happens on the bus becomes the events of upstream's `extmod/machine_i2c_target.c`, which C hands over as a table
//! ([`Events`]). The clock is held while a reader waits for a byte, and when a writer has filled what there is, so nothing is
//! lost however late the program comes.
//!
//! The chip says when it is read from, when bytes came, and when a start or a stop was on the bus. It has no interrupt for
//! "I am going to be written to": that event is told with the first byte, or with the stop where none came. A start and the
//! bytes after it that are seen together, because interrupts were masked, count for the transfer before.

use esp_hal::peripherals::{GPIO, I2C0, IO_MUX, Interrupt, SYSTEM};
use micropython_sys::I2C_TARGET;
use portable_atomic::{AtomicBool, Ordering};

use crate::clock;
use crate::console::ring::Ring;
use crate::guard;
use crate::interrupts::{self, Shared};
use crate::sources;

/// Its signals in the GPIO matrix (TRM, table "Peripheral Signals via GPIO Matrix").
const SIGNAL_SCL: u8 = 53;
const SIGNAL_SDA: u8 = 54;
/// The function of a pad that is GPIO, and the output that follows `GPIO_OUT`.
const FUNCTION_GPIO: u8 = 1;
const SIGNAL_GPIO: u8 = 128;
/// Bytes each FIFO of the chip holds.
const FIFO_BYTES: usize = 32;
/// Bytes that wait for the program, besides those in the FIFO.
const RX_BYTES: usize = 64;
/// Between a byte that is ready and the clock that is let go: 1023 cycles of 25 ns, as the maker's drivers have it.
const STRETCH_PROTECT: u16 = 0x3FF;
/// `STRETCH_CAUSE`: the address came, and the controller is going to read.
const CAUSE_READ: u8 = 0;
/// `STRETCH_CAUSE`: there is nothing to send.
const CAUSE_TX_EMPTY: u8 = 1;

/// `fw_i2c_target_events_t`: who hears of the bus. All run in the routine of I2C0.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Events {
    /// Whether a transfer is going on.
    in_transfer: extern "C" fn() -> bool,
    /// A byte came, and [`fw_i2c_target_read`] has it.
    received: extern "C" fn(),
    /// The controller wants a byte; `first`: its address came just before.
    wanted: extern "C" fn(first: bool),
    /// A transfer ended with another start.
    restarted: extern "C" fn(),
    /// A transfer ended; `write`: it addressed this target to write.
    stopped: extern "C" fn(write: bool),
}

static EVENTS: Shared<Option<Events>> = Shared::new(None);
static RX: Ring<RX_BYTES> = Ring::new();
/// The controller waits for a byte that nobody has written yet.
static OWES_BYTE: AtomicBool = AtomicBool::new(false);

/// Joins a pin to the peripheral: open-drain, with the pull-up that the official firmware switches on as well.
fn connect(pin: u32, signal: u8) {
    let gpio = GPIO::regs();
    gpio.pin(pin as usize).modify(|_, w| w.pad_driver().set_bit());
    IO_MUX::regs().gpio(pin as usize).modify(|_, w| unsafe {
        w.mcu_sel().bits(FUNCTION_GPIO).fun_ie().set_bit().fun_wpu().set_bit().fun_wpd().clear_bit()
    });
    gpio.func_in_sel_cfg(signal as usize).write(|w| unsafe { w.in_sel().bits(pin as u8).sel().set_bit() });
    gpio.func_out_sel_cfg(pin as usize).write(|w| unsafe { w.out_sel().bits(signal).oen_sel().set_bit() });
    gpio.enable_w1ts().write(|w| unsafe { w.bits(1 << pin) });
}

/// Gives the pins that a signal has been put on back to `GPIO_OUT`, released.
fn disconnect(signal: u8) {
    let gpio = GPIO::regs();
    for pin in 0..micropython_sys::PINS {
        if gpio.func_out_sel_cfg(pin).read().out_sel().bits() == signal {
            gpio.enable_w1tc().write(|w| unsafe { w.bits(1 << pin) });
            gpio.func_out_sel_cfg(pin).write(|w| unsafe { w.out_sel().bits(SIGNAL_GPIO).oen_sel().set_bit() });
        }
    }
}

/// Answers to a 7-bit address from now on.
#[unsafe(no_mangle)]
extern "C" fn fw_i2c_target_start(address: u32, scl: u32, sda: u32, events: *const Events) {
    fw_i2c_target_stop();
    // SAFETY: C hands over a table that lives for ever.
    let events = unsafe { events.read() };
    EVENTS.with(|slot| *slot = Some(events));
    SYSTEM::regs().perip_clk_en0().modify(|_, w| w.i2c_ext0_clk_en().set_bit());
    SYSTEM::regs().perip_rst_en0().modify(|_, w| w.i2c_ext0_rst().clear_bit());
    let regs = I2C0::regs();
    // The crystal, 40 MHz, undivided.
    regs.clk_conf().write(|w| w.sclk_sel().clear_bit().sclk_active().set_bit());
    regs.ctr().write(|w| {
        w.ms_mode().clear_bit().sda_force_out().set_bit().scl_force_out().set_bit().clk_en().set_bit();
        // Full means a held clock, not a refusal; what is in the FIFO is sent without being told to.
        w.rx_full_ack_level().clear_bit().arbitration_en().clear_bit().slv_tx_auto_start_en().set_bit()
    });
    regs.slave_addr().write(|w| unsafe { w.slave_addr().bits(address as u16).addr_10bit_en().clear_bit() });
    // An interrupt for each byte.
    regs.fifo_conf().write(|w| unsafe {
        w.fifo_prt_en().set_bit().rxfifo_wm_thrhd().bits(0).txfifo_wm_thrhd().bits(0);
        w.rx_fifo_rst().set_bit().tx_fifo_rst().set_bit()
    });
    regs.fifo_conf().modify(|_, w| w.rx_fifo_rst().clear_bit().tx_fifo_rst().clear_bit());
    regs.sda_hold().write(|w| unsafe { w.bits(10) });
    regs.sda_sample().write(|w| unsafe { w.bits(10) });
    regs.scl_stretch_conf()
        .write(|w| unsafe { w.stretch_protect_num().bits(STRETCH_PROTECT).slave_scl_stretch_en().set_bit() });
    regs.ctr().modify(|_, w| w.conf_upgate().set_bit());
    connect(scl, SIGNAL_SCL);
    connect(sda, SIGNAL_SDA);
    regs.int_clr().write(|w| unsafe { w.bits(u32::MAX) });
    interrupts::bind(Interrupt::I2C_EXT0, routine, interrupts::lesson_level(1));
    listen();
}

/// Answers no more.
#[unsafe(no_mangle)]
pub(crate) extern "C" fn fw_i2c_target_stop() {
    sources::stop(I2C_TARGET);
    if EVENTS.with(Option::take).is_some() {
        I2C0::regs().int_ena().reset();
        disconnect(SIGNAL_SCL);
        disconnect(SIGNAL_SDA);
        SYSTEM::regs().perip_rst_en0().modify(|_, w| w.i2c_ext0_rst().set_bit());
        SYSTEM::regs().perip_clk_en0().modify(|_, w| w.i2c_ext0_clk_en().clear_bit());
    }
    OWES_BYTE.store(false, Ordering::Relaxed);
    while RX.pop().is_some() {}
}

/// Hears of all that happens on the bus.
fn listen() {
    I2C0::regs()
        .int_ena()
        .write(|w| w.rxfifo_wm().set_bit().det_start().set_bit().trans_complete().set_bit().slave_stretch().set_bit());
}

/// Takes up to `len` received bytes, and returns how many there were.
#[unsafe(no_mangle)]
extern "C" fn fw_i2c_target_read(bytes: *mut u8, len: usize) -> usize {
    // A callback may come between, and take bytes as well.
    let mut count = 0;
    while count < len {
        let Some(byte) = interrupts::free(|| RX.pop()) else { break };
        // SAFETY: C hands over room for `len` bytes.
        unsafe { bytes.add(count).write(byte) };
        count += 1;
    }
    if count > 0 && is_on() {
        // There is room again: what waits in the FIFO, and whatever came after it, is looked at now.
        listen();
    }
    count
}

/// Hands bytes over to be sent, as many as fit, and returns how many.
#[unsafe(no_mangle)]
extern "C" fn fw_i2c_target_write(bytes: *const u8, len: usize) -> usize {
    if !is_on() {
        return 0;
    }
    let regs = I2C0::regs();
    let count = len.min(FIFO_BYTES.saturating_sub(usize::from(regs.sr().read().txfifo_cnt().bits())));
    for i in 0..count {
        // SAFETY: C hands over `len` bytes.
        let byte = unsafe { bytes.add(i).read() };
        regs.data().write(|w| unsafe { w.fifo_rdata().bits(byte) });
    }
    if count > 0 && OWES_BYTE.swap(false, Ordering::Relaxed) {
        release_clock();
    }
    count
}

/// Calls back for the events that C chooses, from now on; counts anew.
#[unsafe(no_mangle)]
extern "C" fn fw_i2c_target_irq_start(hard: bool) {
    sources::with(I2C_TARGET, |source| sources::begin(source, hard, clock::ticks()));
}

#[unsafe(no_mangle)]
extern "C" fn fw_i2c_target_irq_stop() {
    sources::stop(I2C_TARGET);
}

/// Calls or queues the callback. From the events of [`Events`].
#[unsafe(no_mangle)]
extern "C" fn fw_i2c_target_event() {
    if is_active() {
        let now = clock::ticks();
        sources::dispatch(I2C_TARGET, now, now);
    }
}

/// Not any more where a callback has ended it.
fn is_on() -> bool {
    EVENTS.with(|events| events.is_some())
}

fn is_active() -> bool {
    sources::with(I2C_TARGET, |source| source.active)
}

fn release_clock() {
    I2C0::regs().scl_stretch_conf().modify(|_, w| w.slave_scl_stretch_clr().set_bit());
}

extern "C" fn routine() {
    let entered = clock::ticks();
    let Some(events) = EVENTS.with(|events| *events) else { return };
    if sources::with(I2C_TARGET, |source| source.active && source.hard) {
        serve(events);
    } else {
        // A controller that never pauses must not keep main from running either.
        let outer = guard::enter(I2C_TARGET, entered);
        serve(events);
        guard::leave(&outer, false);
    }
}

/// Tells what the registers say, in the order in which it happened.
fn serve(events: Events) {
    let regs = I2C0::regs();
    loop {
        let status = regs.int_raw().read();
        let was_in_transfer = (events.in_transfer)();
        if !receive(events) {
            // Nobody takes the bytes: all that follows waits, and the bus with it.
            regs.int_ena().reset();
            return;
        }
        // A byte that came in between is seen in the next round.
        regs.int_clr().write(|w| unsafe { w.bits(status.bits()) });
        if status.det_start().bit_is_set() && was_in_transfer {
            (events.restarted)();
        }
        if !is_on() {
            return;
        }
        let about = regs.sr().read();
        if status.slave_stretch().bit_is_set() {
            match about.stretch_cause().bits() {
                cause @ (CAUSE_READ | CAUSE_TX_EMPTY) if about.slave_rw().bit_is_set() => {
                    answer(events, cause == CAUSE_READ);
                }
                _ => release_clock(),
            }
        }
        if status.trans_complete().bit_is_set() {
            (events.stopped)(about.slave_addressed().bit_is_set() && about.slave_rw().bit_is_clear());
        }
        if !is_on() {
            return;
        }
        if regs.int_st().read().bits() == 0 && regs.sr().read().rxfifo_cnt().bits() == 0 {
            return;
        }
    }
}

/// Hands over the bytes that came, one event each. `false`: there is no room for them.
fn receive(events: Events) -> bool {
    let regs = I2C0::regs();
    while regs.sr().read().rxfifo_cnt().bits() > 0 {
        if RX.space() == 0 {
            return false;
        }
        RX.push(&[regs.data().read().fifo_rdata().bits()]);
        (events.received)();
        if !is_on() {
            return true;
        }
    }
    true
}

/// The controller waits for a byte.
fn answer(events: Events, first: bool) {
    let regs = I2C0::regs();
    let sends = || regs.sr().read().txfifo_cnt().bits() > 0;
    if first {
        // What a transfer before did not take is not for this one.
        regs.fifo_conf().modify(|_, w| w.tx_fifo_rst().set_bit());
        regs.fifo_conf().modify(|_, w| w.tx_fifo_rst().clear_bit());
    }
    (events.wanted)(first);
    if !is_on() {
        return;
    }
    if sends() {
        release_clock();
    } else if is_active() {
        // The program answers later: the clock is held until then.
        OWES_BYTE.store(true, Ordering::Relaxed);
    } else {
        // There is nobody any more who would: the bus is not to hang.
        regs.data().write(|w| unsafe { w.fifo_rdata().bits(0) });
        release_clock();
    }
}
