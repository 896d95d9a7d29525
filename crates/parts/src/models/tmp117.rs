//! A thermometer TMP117 on an I2C bus, with its ALERT pin as data-ready interrupt.
//!
//! After the data sheet: address 0x48 to 0x4B; registers of 16 bits behind a pointer (0 temperature in
//! 1/128 of a degree, 1 configuration, 2 and 3 limits, 0x0F identity 0x0117); conversions at the
//! cycle that CONV and AVG set, 1 s after reset; Data_Ready (bit 13) and, if DR/Alert (bit 2) chooses
//! it, the ALERT pin, open drain, active low unless POL (bit 3) is set; both cleared by reading the
//! temperature or the configuration. Shutdown and one-shot work.
//!
//! Not modelled: the alert and therm functions of the limits (they are stored), the EEPROM, the
//! general call, noise. ALERT needs a pull-up, as on silicon. The bus itself has resistors, as modules
//! have them.

use std::hash::{Hash, Hasher};

use emulator::bus::Tick;
use emulator::pins::{Drive, I2cPort, I2cTarget, PinDevice};

use super::{Acts, Model};
use crate::draw::Draw;
use crate::shown::Shown;
use crate::time::{from_ms, from_us};
use crate::wiring::Placed;

const SDA: usize = 0;
const SCL: usize = 1;
const ALERT: usize = 2;

const TEMPERATURE: u8 = 0;
const CONFIGURATION: u8 = 1;
const IDENTITY: u8 = 0x0F;

const DATA_READY: u16 = 1 << 13;
const POLARITY: u16 = 1 << 3;
const READY_ON_ALERT: u16 = 1 << 2;
const SOFT_RESET: u16 = 1 << 1;
/// What software can write.
const WRITABLE: u16 = 0x0FFC;
const CONFIGURATION_RESET: u16 = 0x0220;
/// The register before the first conversion.
const NO_TEMPERATURE: u16 = 0x8000;

/// Conversion cycles by CONV, without averaging; averages set a floor (data sheet, table 7-7).
const CYCLES_US: [u64; 8] = [15_500, 125_000, 250_000, 500_000, 1_000_000, 4_000_000, 8_000_000, 16_000_000];
/// The floor for averages of 1, 8, 32 and 64.
const FLOORS_US: [u64; 4] = [15_500, 125_000, 500_000, 1_000_000];
/// The reset of a device takes 2 ms.
const RESET_TIME: Tick = from_ms(2);

/// The chip behind the bus.
#[derive(Clone, Debug, Hash)]
struct Registers {
    address: u8,
    temperature_mc: i32,
    pointer: u8,
    /// The byte of the transfer that comes next.
    byte: usize,
    high: u8,
    temperature: u16,
    configuration: u16,
    limits: [u16; 2],
    conversions: u32,
    addressed: u32,
    /// When the present conversion is over.
    done: Tick,
}

impl Registers {
    fn cycle(&self) -> Tick {
        let conv = usize::from(self.configuration >> 7 & 7);
        let average = usize::from(self.configuration >> 5 & 3);
        from_us(CYCLES_US[conv].max(FLOORS_US[average]))
    }

    fn mode(&self) -> u16 {
        self.configuration >> 10 & 3
    }

    fn plan(&mut self, now: Tick) {
        self.done = match self.mode() {
            0b01 => Tick::MAX,
            0b11 => now + from_us(FLOORS_US[usize::from(self.configuration >> 5 & 3)]),
            _ => now + self.cycle(),
        };
    }

    fn reset(&mut self, now: Tick) {
        self.temperature = NO_TEMPERATURE;
        self.configuration = CONFIGURATION_RESET;
        self.limits = [0x6000, 0x8000];
        self.plan(now + RESET_TIME);
    }

    fn convert(&mut self) {
        let now = self.done;
        let scaled = (i64::from(self.temperature_mc) * 128).div_euclid(125);
        self.temperature = i16::try_from((scaled + 4).div_euclid(8)).unwrap_or(i16::MAX).cast_unsigned();
        self.configuration |= DATA_READY;
        self.conversions = self.conversions.saturating_add(1);
        if self.mode() == 0b11 {
            // One conversion, then shutdown.
            self.configuration = self.configuration & !(0b11 << 10) | 0b01 << 10;
        }
        self.plan(now);
    }

    fn write(&mut self, now: Tick, value: u16) {
        match self.pointer {
            CONFIGURATION if value & SOFT_RESET != 0 => self.reset(now),
            CONFIGURATION => {
                self.configuration = self.configuration & !WRITABLE | value & WRITABLE;
                self.plan(now);
            }
            2 => self.limits[0] = value,
            3 => self.limits[1] = value,
            _ => {}
        }
    }

    fn read_register(&mut self) -> u16 {
        let value = match self.pointer {
            TEMPERATURE => self.temperature,
            CONFIGURATION => self.configuration,
            2 => self.limits[0],
            3 => self.limits[1],
            IDENTITY => 0x0117,
            _ => 0,
        };
        if self.pointer <= CONFIGURATION {
            self.configuration &= !DATA_READY;
        }
        value
    }

    fn alert(&self) -> Drive {
        let asserted = self.configuration & (READY_ON_ALERT | DATA_READY) == READY_ON_ALERT | DATA_READY;
        // Open drain: asserted and active low, or idle and active high, is low.
        Drive::open_drain(asserted == (self.configuration & POLARITY != 0))
    }
}

impl I2cTarget for Registers {
    fn addressed(&mut self, _now: Tick, address: u8, _read: bool) -> bool {
        let own = address == self.address;
        self.addressed = self.addressed.saturating_add(u32::from(own));
        self.byte = 0;
        own
    }

    fn written(&mut self, now: Tick, byte: u8) -> bool {
        match self.byte {
            0 => self.pointer = byte,
            1 => self.high = byte,
            2 => self.write(now, u16::from_be_bytes([self.high, byte])),
            _ => return false,
        }
        self.byte += 1;
        true
    }

    fn read(&mut self, _now: Tick) -> u8 {
        // The register is taken when its first byte is asked for, so that both bytes belong together.
        if self.byte.is_multiple_of(2) {
            let [high, low] = self.read_register().to_be_bytes();
            self.high = low;
            self.byte += 1;
            return high;
        }
        self.byte += 1;
        self.high
    }

    fn boxed_clone(&self) -> Box<dyn I2cTarget> {
        Box::new(self.clone())
    }

    fn hash_state(&self, mut state: &mut dyn Hasher) {
        self.hash(&mut state);
    }
}

/// A thermometer.
#[derive(Clone, Debug)]
pub(crate) struct Tmp117 {
    port: I2cPort,
    levels: u32,
}

impl Hash for Tmp117 {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.port.hash_state(state);
        self.levels.hash(state);
    }
}

/// The port's pins, SCL and SDA, as bits of its levels.
const PORT_SCL: usize = 0;
const PORT_SDA: usize = 1;

impl Tmp117 {
    pub(crate) fn new(placed: &Placed, _draw: Draw) -> Self {
        let chip = Registers {
            address: u8::try_from(placed.setting("address")).unwrap_or(0x48),
            temperature_mc: i32::try_from(placed.setting("temperature_mc")).unwrap_or(0),
            pointer: 0,
            byte: 0,
            high: 0,
            temperature: NO_TEMPERATURE,
            configuration: CONFIGURATION_RESET,
            limits: [0; 2],
            conversions: 0,
            addressed: 0,
            done: Tick::MAX,
        };
        Self { port: I2cPort::new(Box::new(chip)), levels: 1 << PORT_SCL | 1 << PORT_SDA }
    }

    fn chip(&self) -> Option<&Registers> {
        self.port.target()
    }

    fn chip_mut(&mut self) -> Option<&mut Registers> {
        self.port.target_mut()
    }

    fn drive(&self, acts: &mut Acts) {
        // The module's resistors hold the bus where nobody pulls it low.
        let pulled = |drive| if drive == Drive::Released { Drive::PullUp } else { drive };
        acts.drive(SDA, pulled(self.port.drive(PORT_SDA)));
        acts.drive(SCL, Drive::PullUp);
        acts.drive(ALERT, self.chip().map_or(Drive::Released, Registers::alert));
    }
}

impl Model for Tmp117 {
    fn connect(&mut self, now: Tick, acts: &mut Acts) {
        if let Some(chip) = self.chip_mut() {
            chip.reset(now);
        }
        self.drive(acts);
    }

    fn deadline(&self) -> Tick {
        self.chip().map_or(Tick::MAX, |chip| chip.done)
    }

    fn step(&mut self, acts: &mut Acts) {
        if let Some(chip) = self.chip_mut() {
            chip.convert();
        }
        self.drive(acts);
    }

    fn edge(&mut self, at: Tick, role: usize, level: bool, acts: &mut Acts) {
        let bit = match role {
            SDA => 1 << PORT_SDA,
            SCL => 1 << PORT_SCL,
            _ => return,
        };
        self.levels = if level { self.levels | bit } else { self.levels & !bit };
        self.port.levels_changed(at, self.levels);
        self.drive(acts);
    }

    fn control(&mut self, _now: Tick, _key: &'static str, value: i64, _acts: &mut Acts) {
        if let Some(chip) = self.chip_mut() {
            chip.temperature_mc = i32::try_from(value).unwrap_or(0);
        }
    }

    fn shown(&self, _now: Tick) -> Shown {
        let chip = self.chip();
        Shown::Thermometer {
            temperature_mc: chip.map_or(0, |chip| chip.temperature_mc),
            conversions: chip.map_or(0, |chip| chip.conversions),
            ready: chip.is_some_and(|chip| chip.configuration & DATA_READY != 0),
            addressed: chip.map_or(0, |chip| chip.addressed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::bench::Bench;

    /// A controller that bangs the bits at 100 kHz.
    struct Controller(Bench);

    impl Controller {
        fn of(part: &str) -> Self {
            let mut bench = Bench::of(part);
            bench.pin(SDA, true);
            bench.pin(SCL, true);
            Self(bench)
        }

        fn line(&mut self, role: usize, level: bool) {
            let held = role == SDA && self.0.drive(SDA) == Drive::Low;
            self.0.pin(role, level && !held);
            self.0.run_us(2);
        }

        fn bit(&mut self, level: bool) -> bool {
            self.line(SDA, level);
            self.line(SCL, true);
            let seen = level && self.0.drive(SDA) != Drive::Low;
            self.line(SCL, false);
            seen
        }

        fn byte(&mut self, byte: u8) -> bool {
            for n in (0..8).rev() {
                self.bit(byte >> n & 1 != 0);
            }
            !self.bit(true)
        }

        fn start(&mut self) {
            self.line(SDA, true);
            self.line(SCL, true);
            self.line(SDA, false);
            self.line(SCL, false);
        }

        fn stop(&mut self) {
            self.line(SDA, false);
            self.line(SCL, true);
            self.line(SDA, true);
        }

        fn write(&mut self, address: u8, bytes: &[u8]) -> bool {
            self.start();
            let mut acknowledged = self.byte(address << 1);
            for &byte in bytes {
                acknowledged &= self.byte(byte);
            }
            self.stop();
            acknowledged
        }

        fn register(&mut self, address: u8, register: u8) -> u16 {
            assert!(self.write(address, &[register]));
            self.start();
            assert!(self.byte(address << 1 | 1));
            let mut value = 0;
            for n in 0..16 {
                value = value << 1 | u16::from(self.bit(true));
                if n == 7 {
                    self.bit(false);
                }
            }
            self.bit(true);
            self.stop();
            value
        }
    }

    const WIRED: &str = r#"{"kind":"tmp117","name":"t","pins":{"sda":5,"scl":6,"alert":7},"temperature_mc":25000}"#;

    #[test]
    fn it_says_who_it_is_and_how_warm_it_is() {
        let mut bus = Controller::of(WIRED);
        assert_eq!(bus.register(0x48, IDENTITY), 0x0117);
        assert_eq!(bus.register(0x48, TEMPERATURE), NO_TEMPERATURE);
        bus.0.run_us(1_100_000);
        // Data sheet: 25 degrees are 0x0C80, and one step below zero is 0xFFFF.
        assert_eq!(bus.register(0x48, TEMPERATURE), 0x0C80);
        bus.0.control("temperature_mc", -8);
        bus.0.run_us(1_000_000);
        assert_eq!(bus.register(0x48, TEMPERATURE), 0xFFFF);
        assert!(!bus.write(0x49, &[0]), "nobody has that address");
    }

    #[test]
    fn alert_falls_when_data_is_ready_and_rises_when_it_was_read() {
        let mut bus = Controller::of(WIRED);
        assert!(bus.write(0x48, &[CONFIGURATION, 0x02, 0x24]));
        assert_eq!(bus.0.drive(ALERT), Drive::Released);
        bus.0.run_us(1_010_000);
        assert_eq!(bus.0.drive(ALERT), Drive::Low);
        bus.register(0x48, TEMPERATURE);
        assert_eq!(bus.0.drive(ALERT), Drive::Released);
        // The other polarity rests low.
        assert!(bus.write(0x48, &[CONFIGURATION, 0x02, 0x2C]));
        assert_eq!(bus.0.drive(ALERT), Drive::Low);
        bus.0.run_us(1_010_000);
        assert_eq!(bus.0.drive(ALERT), Drive::Released);
    }

    #[test]
    fn one_shot_converts_once_and_cycles_are_those_of_the_data_sheet() {
        let conversions = |configuration: [u8; 2], us| {
            let mut bus = Controller::of(WIRED);
            assert!(bus.write(0x48, &[CONFIGURATION, configuration[0], configuration[1]]));
            bus.0.run_us(us);
            match bus.0.shown() {
                Shown::Thermometer { conversions, .. } => conversions,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(conversions([0x0C, 0x00], 5_000_000), 1, "one shot");
        assert_eq!(conversions([0x06, 0x20], 5_000_000), 0, "shut down");
        assert_eq!(conversions([0x00, 0x00], 1_000_000), 64, "15.5 ms");
        assert_eq!(conversions([0x02, 0x20], 4_100_000), 4, "1 s");
        assert_eq!(conversions([0x00, 0x40], 4_100_000), 8, "32 averages take half a second");
    }
}
