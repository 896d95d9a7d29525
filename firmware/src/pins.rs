//! Pins 0 to 10; the others carry flash, USB and the console (ESP32-C3 datasheet, table 2-3).
//!
//! All pins share one interrupt source of the chip (TRM, table 8-1). Its routine reads which pins have something,
//! acknowledges, and calls or queues one callback for each: edges of one pin that come before that are one.

use esp_hal::peripherals::{GPIO, IO_MUX, Interrupt};
use micropython_sys::{FIRST_PIN, PINS};
use portable_atomic::{AtomicU8, Ordering};

use crate::clock;
use crate::edges;
use crate::guard;
use crate::interrupts;
use crate::sources;

/// Bits of a mode, as ESP-IDF's `gpio_mode_t` and upstream's `Pin.IN` and so on have them.
const MODE_INPUT: u32 = 1;
const MODE_OUTPUT: u32 = 2;
const MODE_OPEN_DRAIN: u32 = 4;
/// `Pin.PULL_DOWN` and `Pin.PULL_UP`.
const PULL_DOWN: u32 = 1;
const PULL_UP: u32 = 2;
/// `Pin.IRQ_RISING` and `Pin.IRQ_FALLING`; 3 is both, 4 and 5 are low and high level (TRM, `GPIO_PINn_INT_TYPE`).
const RISING: u8 = 1;
const FALLING: u8 = 2;
const BOTH: u8 = 3;
const LOW_LEVEL: u8 = 4;
/// The function of a pad that is GPIO (IO MUX), and the output that follows `GPIO_OUT` (GPIO matrix).
const FUNCTION_GPIO: u8 = 1;
const SIGNAL_GPIO: u8 = 128;
/// `GPIO_PINn_INT_ENA`: the CPU's interrupt.
const TO_CPU: u8 = 1;

/// What the last interrupt of each pin was about, in the bits of its trigger.
static FLAGS: [AtomicU8; PINS] = [const { AtomicU8::new(0) }; PINS];

fn slot(pin: u32) -> usize {
    FIRST_PIN + pin as usize
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_valid(pin: u32) -> bool {
    (pin as usize) < PINS
}

/// Takes a pin back from peripherals, and sets what of the three is not negative.
#[unsafe(no_mangle)]
extern "C" fn fw_pin_configure(pin: u32, mode: i32, pull: i32, drive: i32) {
    let gpio = GPIO::regs();
    let pad = IO_MUX::regs().gpio(pin as usize);
    pad.modify(|_, w| unsafe { w.mcu_sel().bits(FUNCTION_GPIO) });
    if let Ok(drive) = u8::try_from(drive) {
        pad.modify(|_, w| unsafe { w.fun_drv().bits(drive) });
    }
    if let Ok(mode) = u32::try_from(mode) {
        let signal = gpio.func_out_sel_cfg(pin as usize);
        signal.write(|w| unsafe { w.out_sel().bits(SIGNAL_GPIO).oen_sel().set_bit() });
        gpio.pin(pin as usize).modify(|_, w| w.pad_driver().bit(mode & MODE_OPEN_DRAIN != 0));
        pad.modify(|_, w| w.fun_ie().bit(mode & MODE_INPUT != 0));
        if mode & MODE_OUTPUT != 0 {
            gpio.enable_w1ts().write(|w| unsafe { w.bits(1 << pin) });
        } else {
            gpio.enable_w1tc().write(|w| unsafe { w.bits(1 << pin) });
        }
    }
    if let Ok(pull) = u32::try_from(pull) {
        pad.modify(|_, w| w.fun_wpu().bit(pull & PULL_UP != 0).fun_wpd().bit(pull & PULL_DOWN != 0));
    }
}

/// The level that the pin was told to have.
#[unsafe(no_mangle)]
extern "C" fn fw_pin_written(pin: u32) -> bool {
    GPIO::regs().out().read().bits() & (1 << pin) != 0
}

/// Calls back from now on; counts anew. `trigger` is checked by the caller.
#[unsafe(no_mangle)]
extern "C" fn fw_pin_irq_start(pin: u32, trigger: u32, hard: bool, priority: u32) {
    sources::with(slot(pin), |source| sources::begin(source, hard, clock::ticks()));
    interrupts::set_level(Interrupt::GPIO, interrupts::lesson_level(priority as u8));
    FLAGS[pin as usize].store(0, Ordering::Relaxed);
    listen(pin, trigger as u8);
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_irq_stop(pin: u32) {
    sources::stop(slot(pin));
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_trigger(pin: u32) -> u32 {
    if edges::listens(pin) && !sources::with(slot(pin), |source| source.active) {
        // It listens for a host; the program's trigger is none.
        return 0;
    }
    GPIO::regs().pin(pin as usize).read().int_type().bits().into()
}

/// Another trigger for a pin that has a callback.
#[unsafe(no_mangle)]
extern "C" fn fw_pin_set_trigger(pin: u32, trigger: u32) {
    listen(pin, trigger as u8);
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_flags(pin: u32) -> u32 {
    FLAGS[pin as usize].load(Ordering::Relaxed).into()
}

/// Runs the pin's callback as its interrupt does.
#[unsafe(no_mangle)]
extern "C" fn fw_pin_irq_call(pin: u32) {
    let now = clock::ticks();
    sources::dispatch(slot(pin), now, now);
}

/// Forgets an edge of before, and waits for those that `trigger` names.
fn listen(pin: u32, trigger: u8) {
    // A host that draws the pin sees it nevertheless.
    let trigger = if trigger == 0 && edges::listens(pin) { BOTH } else { trigger };
    interrupts::free(|| {
        let gpio = GPIO::regs();
        gpio.pin(pin as usize).modify(|_, w| unsafe { w.int_ena().bits(0).int_type().bits(trigger) });
        gpio.status_w1tc().write(|w| unsafe { w.bits(1 << pin) });
        if trigger != 0 {
            gpio.pin(pin as usize).modify(|_, w| unsafe { w.int_ena().bits(TO_CPU) });
        }
    });
}

/// Stops listening to a slot's pin.
pub(crate) fn ignore(slot: usize) {
    listen((slot - FIRST_PIN) as u32, 0);
}

/// The levels of all pins.
pub(crate) fn levels() -> u32 {
    GPIO::regs().in_().read().bits()
}

/// The interrupt of all pins.
#[esp_hal::ram]
pub(crate) extern "C" fn routine() {
    let entered = clock::ticks();
    let gpio = GPIO::regs();
    let pending = gpio.status().read().bits();
    gpio.status_w1tc().write(|w| unsafe { w.bits(pending) });
    let levels = gpio.in_().read().bits();
    for (pin, flags) in FLAGS.iter().enumerate() {
        if pending & (1 << pin) == 0 {
            continue;
        }
        let slot = FIRST_PIN + pin;
        let hard = sources::with(slot, |source| source.active.then_some(source.hard));
        let trigger = gpio.pin(pin).read().int_type().bits();
        if edges::is_on() {
            let kind = match trigger {
                RISING => edges::Kind::Rose,
                FALLING => edges::Kind::Fell,
                BOTH => edges::Kind::Either,
                _ => edges::Kind::Level,
            };
            edges::stamp(entered, pin, kind, levels & (1 << pin) != 0, hard.is_some());
        }
        let Some(hard) = hard else { continue };
        flags.store(about(trigger, levels & (1 << pin) != 0), Ordering::Relaxed);
        if hard {
            sources::dispatch(slot, entered, entered);
        } else {
            // A level that nobody quiets comes again before main has run an instruction.
            let outer = guard::enter(slot, entered);
            sources::dispatch(slot, entered, entered);
            guard::leave(&outer, false);
        }
    }
}

/// What an interrupt with this trigger was about.
#[inline(always)]
fn about(trigger: u8, level: bool) -> u8 {
    match trigger {
        RISING | FALLING => trigger,
        _ if trigger >= LOW_LEVEL => trigger,
        _ if level => RISING,
        _ => FALLING,
    }
}
