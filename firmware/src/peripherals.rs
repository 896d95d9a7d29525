//! Peripherals that Python uses one call at a time: ADC, watchdog, bit streams, the chip's own number.

use core::arch::asm;

use esp_hal::peripherals::{APB_SARADC, GPIO, IO_MUX, SYSTEM, TIMG1};
use esp_hal::time::Duration;
use esp_hal::timer::timg::{MwdtStage, MwdtStageAction, TimerGroup, Wdt};

use crate::interrupts::{self, Shared};

static WATCHDOG: Shared<Option<Wdt<TIMG1<'static>>>> = Shared::new(None);

pub(crate) fn init(timer_group: TIMG1<'static>) {
    let watchdog = TimerGroup::new(timer_group).wdt;
    WATCHDOG.with(|slot| *slot = Some(watchdog));
}

/// Resets the chip unless it is fed within so many milliseconds, from now on.
#[unsafe(no_mangle)]
extern "C" fn fw_wdt_start(timeout_ms: u32) {
    WATCHDOG.with(|watchdog| {
        let Some(watchdog) = watchdog else { return };
        watchdog.set_timeout(MwdtStage::Stage0, Duration::from_millis(timeout_ms.into()));
        watchdog.set_stage_action(MwdtStage::Stage0, MwdtStageAction::ResetSystem);
        watchdog.enable();
        watchdog.feed();
    });
}

#[unsafe(no_mangle)]
extern "C" fn fw_wdt_feed() {
    WATCHDOG.with(|watchdog| {
        if let Some(watchdog) = watchdog {
            watchdog.feed();
        }
    });
}

/// Lets nothing but the converter drive or load a pin, and switches the converter on.
#[unsafe(no_mangle)]
extern "C" fn fw_adc_prepare(pin: u32) {
    GPIO::regs().enable_w1tc().write(|w| unsafe { w.bits(1 << pin) });
    IO_MUX::regs()
        .gpio(pin as usize)
        .modify(|_, w| unsafe { w.mcu_sel().bits(1).fun_ie().clear_bit().fun_wpu().clear_bit().fun_wpd().clear_bit() });
    SYSTEM::regs().perip_clk_en0().modify(|_, w| w.apb_saradc_clk_en().set_bit());
    SYSTEM::regs().perip_rst_en0().modify(|_, w| w.apb_saradc_rst().clear_bit());
    APB_SARADC::regs().clkm_conf().modify(|_, w| unsafe { w.clk_sel().bits(2).clk_en().set_bit() });
}

/// One conversion of a pin of ADC1 (TRM, chapter 34, "one-time sampling"), 12 bits.
#[unsafe(no_mangle)]
extern "C" fn fw_adc_read(pin: u32, attenuation: u32) -> u32 {
    // A converter that is not clocked never answers; a conversion takes about 100 us at most.
    const PATIENCE_TICKS: u64 = 1000 * crate::clock::TICKS_PER_MICRO;
    let adc = APB_SARADC::regs();
    adc.int_clr().write(|w| w.adc1_done().clear_bit_by_one());
    adc.onetime_sample().modify(|_, w| unsafe {
        w.saradc1_onetime_sample().set_bit().saradc2_onetime_sample().clear_bit();
        w.onetime_channel().bits(pin as u8).onetime_atten().bits(attenuation as u8)
    });
    adc.onetime_sample().modify(|_, w| w.onetime_start().set_bit());
    let begun = crate::clock::ticks();
    while !adc.int_raw().read().adc1_done().bit() && crate::clock::ticks() - begun < PATIENCE_TICKS {}
    let raw = adc.sar1data_status().read().saradc1_data().bits() & 0xFFF;
    adc.onetime_sample().modify(|_, w| w.onetime_start().clear_bit().saradc1_onetime_sample().clear_bit());
    raw
}

/// The chip's temperature in tenths of a degree Celsius, by the sensor's range from -10 to 80 degrees (TRM, chapter
/// "On-Chip Sensors and Analog Signal Processing", its formula with the offset of that range, 0).
#[unsafe(no_mangle)]
extern "C" fn fw_temperature() -> i32 {
    const SETTLE_TICKS: u64 = 300 * crate::clock::TICKS_PER_MICRO;
    SYSTEM::regs().perip_clk_en0().modify(|_, w| w.apb_saradc_clk_en().set_bit());
    SYSTEM::regs().perip_rst_en0().modify(|_, w| w.apb_saradc_rst().clear_bit());
    let adc = APB_SARADC::regs();
    adc.tsens_ctrl2().modify(|_, w| w.clk_sel().set_bit());
    adc.tsens_ctrl().modify(|_, w| w.pu().set_bit());
    let begun = crate::clock::ticks();
    while crate::clock::ticks() - begun < SETTLE_TICKS {}
    let raw = i32::from(adc.tsens_ctrl().read().out().bits());
    adc.tsens_ctrl().modify(|_, w| w.pu().clear_bit());
    // T = 0.4386 raw - 27.88 offset - 20.52
    (raw * 4386 - 205_200) / 1000
}

/// The base address of its interfaces, as burnt in.
#[unsafe(no_mangle)]
extern "C" fn fw_unique_id(mac: *mut u8) {
    let address = esp_hal::efuse::base_mac_address();
    for (i, byte) in address.as_bytes().iter().enumerate() {
        // SAFETY: C hands over six bytes, and an address has six.
        unsafe { mac.add(i).write(*byte) };
    }
}

#[inline(always)]
fn cycles() -> u32 {
    let cycles: u32;
    // SAFETY: reads a counter.
    unsafe { asm!("csrr {}, 0x7E2", out(reg) cycles) };
    cycles
}

/// Sends bytes, highest bit first: a pulse for each bit, whose high and low parts say which it is.
///
/// Interrupts of lessons and telemetry wait until the end; the consoles' and the alarm's may lengthen a low part a little,
/// which such lines allow.
#[unsafe(no_mangle)]
#[esp_hal::ram]
extern "C" fn fw_bitstream(pin: u32, cycles_of: *const u32, bytes: *const u8, len: usize) {
    // SAFETY: C hands over four numbers and `len` bytes.
    let (times, bytes) =
        unsafe { (core::slice::from_raw_parts(cycles_of, 4), core::slice::from_raw_parts(bytes, len)) };
    let gpio = GPIO::regs();
    let mask = 1 << pin;
    interrupts::undisturbed(|| {
        gpio.out_w1tc().write(|w| unsafe { w.bits(mask) });
        for byte in bytes {
            for bit in (0..8).rev() {
                let (high, low) = if byte >> bit & 1 == 0 { (times[0], times[1]) } else { (times[2], times[3]) };
                interrupts::free(|| {
                    let begun = cycles();
                    gpio.out_w1ts().write(|w| unsafe { w.bits(mask) });
                    while cycles().wrapping_sub(begun) < high {}
                    gpio.out_w1tc().write(|w| unsafe { w.bits(mask) });
                    while cycles().wrapping_sub(begun) < high + low {}
                });
            }
        }
    });
}
