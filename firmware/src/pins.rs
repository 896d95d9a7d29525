//! Pins 0 to 10; the others carry flash, USB and the console (ESP32-C3 datasheet, table 2-3).

use core::cell::UnsafeCell;

use esp_hal::gpio::{AnyPin, DriveMode, Event, Flex, InputConfig, OutputConfig, Pull};
use esp_hal::peripherals::{GPIO, Interrupt};
use micropython_sys::SLOTS;

use crate::clock;
use crate::interrupts::{self, Shared};
use crate::sources;

const PINS: usize = 11;

/// `FW_PIN_*` and `FW_PULL_*` of `port/firmware.h`.
const MODE_IN: u32 = 1;
const MODE_OPEN_DRAIN: u32 = 7;
const PULL_UP: u32 = 1;
const PULL_DOWN: u32 = 2;
/// `Pin.IRQ_RISING` and `Pin.IRQ_FALLING`.
const RISING: u32 = 1;
const FALLING: u32 = 2;

struct Drivers(UnsafeCell<[Option<Flex<'static>>; PINS]>);

// SAFETY: the drivers write whole registers of one pin, or set and clear bits by their own registers.
unsafe impl Sync for Drivers {}

static DRIVERS: Drivers = Drivers(UnsafeCell::new([const { None }; PINS]));
/// The pin of each slot; `PINS` and above: none.
static PIN_OF_SLOT: Shared<[u8; SLOTS]> = Shared::new([u8::MAX; SLOTS]);

fn driver(pin: u32) -> Option<&'static mut Flex<'static>> {
    // SAFETY: one core; calls do not overlap in a way that matters, see `Drivers`.
    let drivers = unsafe { &mut *DRIVERS.0.get() };
    let slot = drivers.get_mut(pin as usize)?;
    // SAFETY: nothing else of the firmware drives these pins.
    Some(slot.get_or_insert_with(|| Flex::new(unsafe { AnyPin::steal(pin as u8) })))
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_valid(pin: u32) -> bool {
    (pin as usize) < PINS
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_configure(pin: u32, mode: u32, pull: u32) {
    let Some(driver) = driver(pin) else { return };
    let pull = match pull {
        PULL_UP => Pull::Up,
        PULL_DOWN => Pull::Down,
        _ => Pull::None,
    };
    let drive = if mode == MODE_OPEN_DRAIN { DriveMode::OpenDrain } else { DriveMode::PushPull };
    driver.apply_input_config(&InputConfig::default().with_pull(pull));
    driver.apply_output_config(&OutputConfig::default().with_drive_mode(drive).with_pull(pull));
    // An output can be read back, and can interrupt: a lesson makes its own edges.
    driver.set_input_enable(true);
    driver.set_output_enable(mode != MODE_IN);
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_write(pin: u32, level: bool) {
    if let Some(driver) = driver(pin) {
        driver.set_level(level.into());
    }
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_read(pin: u32) -> bool {
    driver(pin).is_some_and(|driver| driver.is_high())
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_irq_start(pin: u32, slot: u32, trigger: u32, hard: bool, priority: u32) {
    let Some(driver) = driver(pin) else { return };
    let slot = slot as usize;
    PIN_OF_SLOT.with(|pins| pins[slot] = pin as u8);
    sources::with(slot, |source| sources::begin(source, hard, clock::ticks()));
    interrupts::set_level(Interrupt::GPIO, interrupts::lesson_level(priority as u8));
    driver.clear_interrupt();
    driver.listen(match trigger {
        RISING => Event::RisingEdge,
        FALLING => Event::FallingEdge,
        _ => Event::AnyEdge,
    });
}

#[unsafe(no_mangle)]
extern "C" fn fw_pin_irq_stop(slot: u32) {
    sources::stop(slot as usize);
}

/// Stops listening to a slot's pin.
pub(crate) fn ignore(slot: usize) {
    let pin = PIN_OF_SLOT.with(|pins| pins[slot]);
    if let Some(driver) = driver(pin.into()) {
        driver.unlisten();
        driver.clear_interrupt();
    }
}

/// The pin number of a slot, for its name in telemetry.
pub(crate) fn pin_of_slot(slot: usize) -> u8 {
    PIN_OF_SLOT.with(|pins| pins[slot])
}

/// The edge interrupt of all pins.
pub(crate) extern "C" fn routine() {
    let entered = clock::ticks();
    let pending = GPIO::regs().status().read().bits();
    GPIO::regs().status_w1tc().write(|w| unsafe { w.bits(pending) });
    let pins = PIN_OF_SLOT.with(|pins| *pins);
    for (slot, pin) in pins.into_iter().enumerate() {
        if usize::from(pin) < PINS && pending & (1 << pin) != 0 && sources::with(slot, |source| source.active) {
            sources::dispatch(slot, entered, entered);
        }
    }
}
