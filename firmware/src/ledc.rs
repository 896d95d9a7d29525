//! LEDC for `machine.PWM`: pulse trains that the hardware makes by itself (TRM, chapter "LED PWM Controller").
//!
//! Which channel and timer belong to what is the caller's affair (`machine_pwm_port.h`); here are the registers.

use esp_hal::peripherals::{GPIO, IO_MUX, LEDC, SYSTEM};

/// The first of its output signals in the GPIO matrix (TRM, table "Peripheral Signals via GPIO Matrix").
const SIGNAL: u8 = 45;
/// `LEDC_APB_CLK_SEL`: APB_CLK, 80 MHz.
const APB_CLOCK: u8 = 1;
/// Bits of a duty's fraction of a count.
const FRACTION_BITS: u32 = 4;
/// The function of a pad that is GPIO, and the output that follows `GPIO_OUT`.
const FUNCTION_GPIO: u8 = 1;
const SIGNAL_GPIO: u8 = 128;

/// Lets a timer count to 2^`bits`, a count for each `divider`/256 cycles of 80 MHz.
#[unsafe(no_mangle)]
extern "C" fn fw_pwm_timer(timer: u32, divider: u32, bits: u32) {
    SYSTEM::regs().perip_clk_en0().modify(|_, w| w.ledc_clk_en().set_bit());
    SYSTEM::regs().perip_rst_en0().modify(|_, w| w.ledc_rst().clear_bit());
    let ledc = LEDC::regs();
    ledc.conf().write(|w| unsafe { w.apb_clk_sel().bits(APB_CLOCK).clk_en().set_bit() });
    let conf = ledc.timer(timer as usize).conf();
    conf.write(|w| unsafe { w.clk_div().bits(divider).duty_res().bits(bits as u8).rst().set_bit() });
    conf.write(|w| unsafe {
        w.clk_div().bits(divider).duty_res().bits(bits as u8).rst().clear_bit().para_up().set_bit()
    });
}

#[unsafe(no_mangle)]
extern "C" fn fw_pwm_timer_stop(timer: u32) {
    LEDC::regs().timer(timer as usize).conf().modify(|_, w| w.pause().set_bit());
}

/// A channel makes pulses of `duty` counts of a timer on a pin.
#[unsafe(no_mangle)]
extern "C" fn fw_pwm_start(channel: u32, timer: u32, pin: u32, duty: u32, inverted: bool) {
    let regs = LEDC::regs().ch(channel as usize);
    regs.hpoint().write(|w| unsafe { w.bits(0) });
    regs.conf0().write(|w| unsafe { w.timer_sel().bits(timer as u8).sig_out_en().set_bit() });
    fw_pwm_duty(channel, duty);
    let gpio = GPIO::regs();
    IO_MUX::regs().gpio(pin as usize).modify(|_, w| unsafe { w.mcu_sel().bits(FUNCTION_GPIO).fun_ie().set_bit() });
    gpio.func_out_sel_cfg(pin as usize)
        .write(|w| unsafe { w.out_sel().bits(SIGNAL + channel as u8).inv_sel().bit(inverted).oen_sel().set_bit() });
    gpio.enable_w1ts().write(|w| unsafe { w.bits(1 << pin) });
}

/// Another duty, from the next period on.
#[unsafe(no_mangle)]
extern "C" fn fw_pwm_duty(channel: u32, duty: u32) {
    let regs = LEDC::regs().ch(channel as usize);
    regs.duty().write(|w| unsafe { w.bits(duty << FRACTION_BITS) });
    // One step of no change: the duty stands.
    regs.conf1()
        .write(|w| unsafe { w.duty_inc().set_bit().duty_num().bits(1).duty_cycle().bits(1).duty_start().set_bit() });
    regs.conf0().modify(|_, w| w.para_up().set_bit());
}

/// A channel makes no pulses any more; its pins stand at a level.
#[unsafe(no_mangle)]
extern "C" fn fw_pwm_stop(channel: u32, level: bool) {
    let gpio = GPIO::regs();
    for pin in 0..micropython_sys::PINS {
        if gpio.func_out_sel_cfg(pin).read().out_sel().bits() == SIGNAL + channel as u8 {
            let mask = 1 << pin;
            if level {
                gpio.out_w1ts().write(|w| unsafe { w.bits(mask) });
            } else {
                gpio.out_w1tc().write(|w| unsafe { w.bits(mask) });
            }
            gpio.func_out_sel_cfg(pin).write(|w| unsafe { w.out_sel().bits(SIGNAL_GPIO).oen_sel().set_bit() });
        }
    }
    let regs = LEDC::regs().ch(channel as usize);
    regs.conf0().modify(|_, w| w.sig_out_en().clear_bit().idle_lv().bit(level).para_up().set_bit());
}
