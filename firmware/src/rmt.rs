//! RMT for `esp32.RMT`: pulses that the hardware sends by itself (TRM, chapter "Remote Control Peripheral").
//!
//! A channel's memory holds 48 words of two pulses each. A longer list is handed over in halves, by the interrupt that says
//! that a half has been sent; the list belongs to the caller and must stay where it is until the end.

use esp_hal::peripherals::{GPIO, IO_MUX, Interrupt, RMT, SYSTEM};

use portable_atomic::{AtomicBool, Ordering};

use crate::interrupts::{self, Shared};

/// The first of its output signals in the GPIO matrix (TRM, table "Peripheral Signals via GPIO Matrix").
const SIGNAL: u8 = 51;
const FUNCTION_GPIO: u8 = 1;
const SIGNAL_GPIO: u8 = 128;
/// `RMT_SCLK_SEL`: APB_CLK, 80 MHz.
const APB_CLOCK: u8 = 1;
/// Transmitters of the chip.
const CHANNELS: usize = 2;
/// Words of memory of a channel, and after how many of them more are handed over.
const WORDS: usize = 48;
const HALF: usize = WORDS / 2;
/// RAM of all channels, words (TRM, "RMT RAM").
const MEMORY: *mut u32 = 0x6001_6400 as *mut u32;

/// What a channel has still to send.
struct Rest {
    next: *const u32,
    words: usize,
    /// Where in the channel's memory it goes.
    at: usize,
}

// SAFETY: the pointer is followed only with interrupts off, and its owner keeps the words until `fw_rmt_busy` denies.
unsafe impl Sync for Rest {}
unsafe impl Send for Rest {}

/// Whether something was written to a channel since it was started.
static WRITTEN: [AtomicBool; CHANNELS] = [const { AtomicBool::new(false) }; CHANNELS];

static RESTS: [Shared<Rest>; CHANNELS] =
    [const { Shared::new(Rest { next: core::ptr::null(), words: 0, at: 0 }) }; CHANNELS];

/// Writes up to `most` words of the rest into the channel's memory, and zeros, which end it, where there are none.
fn fill(channel: usize, rest: &mut Rest, most: usize) {
    for _ in 0..most {
        let word = if rest.words > 0 {
            // SAFETY: so many words follow, by the contract of `fw_rmt_write`.
            let word = unsafe { rest.next.read() };
            rest.next = unsafe { rest.next.add(1) };
            rest.words -= 1;
            word
        } else {
            0
        };
        // SAFETY: within the channel's memory.
        unsafe { MEMORY.add(channel * WORDS + rest.at).write_volatile(word) };
        rest.at = (rest.at + 1) % WORDS;
    }
}

/// Makes a channel ready to send on a pin. `divider` is that of 80 MHz; a carrier of 0 cycles is none.
#[unsafe(no_mangle)]
extern "C" fn fw_rmt_start(channel: u32, pin: u32, divider: u32, idle: bool, high: u32, low: u32, level: bool) {
    SYSTEM::regs().perip_clk_en0().modify(|_, w| w.rmt_clk_en().set_bit());
    SYSTEM::regs().perip_rst_en0().modify(|_, w| w.rmt_rst().clear_bit());
    let (rmt, n) = (RMT::regs(), channel as usize);
    rmt.sys_conf().write(|w| unsafe {
        w.clk_en().set_bit().sclk_sel().bits(APB_CLOCK).sclk_div_num().bits(0).sclk_active().set_bit();
        w.apb_fifo_mask().set_bit().mem_clk_force_on().set_bit()
    });
    rmt.chcarrier_duty(n).write(|w| unsafe { w.carrier_high().bits(high as u16).carrier_low().bits(low as u16) });
    rmt.ch_tx_conf0(n).write(|w| unsafe {
        w.div_cnt().bits(divider as u8).mem_size().bits(1).idle_out_en().set_bit().idle_out_lv().bit(idle);
        w.mem_tx_wrap_en().set_bit().carrier_en().bit(high + low > 0).carrier_out_lv().bit(level);
        w.carrier_eff_en().set_bit().conf_update().set_bit()
    });
    interrupts::bind(Interrupt::RMT, routine, interrupts::KERNEL);
    IO_MUX::regs().gpio(pin as usize).modify(|_, w| unsafe { w.mcu_sel().bits(FUNCTION_GPIO) });
    let gpio = GPIO::regs();
    gpio.func_out_sel_cfg(pin as usize)
        .write(|w| unsafe { w.out_sel().bits(SIGNAL + channel as u8).oen_sel().set_bit() });
    gpio.enable_w1ts().write(|w| unsafe { w.bits(1 << pin) });
}

/// Sends words of two pulses each. The words stay where they are until [`fw_rmt_busy`] denies; with `loops` they are few
/// enough for the channel's memory, and sent again and again.
#[unsafe(no_mangle)]
extern "C" fn fw_rmt_write(channel: u32, words: *const u32, count: usize, loops: bool) {
    let (rmt, n) = (RMT::regs(), channel as usize);
    rmt.ch_tx_conf0(n).modify(|_, w| w.mem_rd_rst().set_bit().apb_mem_rst().set_bit());
    rmt.ch_tx_conf0(n).modify(|_, w| w.mem_rd_rst().clear_bit().apb_mem_rst().clear_bit());
    RESTS[n].with(|rest| {
        *rest = Rest { next: words, words: count, at: 0 };
        fill(n, rest, WORDS);
    });
    rmt.ch_tx_lim(n).write(|w| unsafe { w.tx_lim().bits(HALF as u16) });
    rmt.int_clr().write(|w| unsafe { w.bits(0x111 << n) });
    rmt.int_ena().modify(|r, w| unsafe { w.bits(r.bits() & !(0x101 << n) | if loops { 0 } else { 0x100 << n }) });
    rmt.ch_tx_conf0(n).modify(|_, w| w.tx_conti_mode().bit(loops).mem_tx_wrap_en().bit(!loops).conf_update().set_bit());
    WRITTEN[n].store(true, Ordering::Relaxed);
    rmt.ch_tx_conf0(n).modify(|_, w| w.tx_start().set_bit());
}

/// A half has been sent: the next one takes its place.
#[esp_hal::ram]
extern "C" fn routine() {
    let rmt = RMT::regs();
    for (n, rest) in RESTS.iter().enumerate() {
        let threshold = 0x100 << n;
        if rmt.int_st().read().bits() & threshold != 0 {
            rmt.int_clr().write(|w| unsafe { w.bits(threshold) });
            rest.with(|rest| fill(n, rest, HALF));
        }
    }
}

/// Whether a channel sends. One that loops does not count as busy when its loop is over.
#[unsafe(no_mangle)]
extern "C" fn fw_rmt_busy(channel: u32) -> bool {
    if !WRITTEN[channel as usize].load(Ordering::Relaxed) {
        return false;
    }
    let raw = RMT::regs().int_raw().read();
    !(raw.ch_tx_end(channel as u8).bit() || raw.ch_tx_err(channel as u8).bit())
}

/// A channel that sends again and again ends with this time.
#[unsafe(no_mangle)]
extern "C" fn fw_rmt_end_loop(channel: u32) {
    RMT::regs().ch_tx_conf0(channel as usize).modify(|_, w| w.tx_conti_mode().clear_bit().conf_update().set_bit());
}

/// A channel is silent at once, and its pin is the program's again.
#[unsafe(no_mangle)]
extern "C" fn fw_rmt_stop(channel: u32) {
    let (rmt, n) = (RMT::regs(), channel as usize);
    if SYSTEM::regs().perip_clk_en0().read().rmt_clk_en().bit_is_clear() {
        return;
    }
    rmt.int_ena().modify(|r, w| unsafe { w.bits(r.bits() & !(0x101 << n)) });
    rmt.ch_tx_conf0(n).modify(|_, w| w.tx_conti_mode().clear_bit().tx_stop().set_bit().conf_update().set_bit());
    RESTS[n].with(|rest| *rest = Rest { next: core::ptr::null(), words: 0, at: 0 });
    WRITTEN[n].store(false, Ordering::Relaxed);
    let gpio = GPIO::regs();
    for pin in 0..micropython_sys::PINS {
        if gpio.func_out_sel_cfg(pin).read().out_sel().bits() == SIGNAL + channel as u8 {
            gpio.func_out_sel_cfg(pin).write(|w| unsafe { w.out_sel().bits(SIGNAL_GPIO).oen_sel().set_bit() });
        }
    }
}
