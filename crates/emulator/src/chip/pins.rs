//! Where the chip's pins meet the bench: levels follow from what both sides do, and everybody who
//! hangs on a pin learns of them at the tick at which they change.

use super::Chip;
use crate::bus::Tick;
use crate::clock::Planner;
use crate::peripherals::gpio::{Signals, signal};
use crate::peripherals::interrupt_matrix::Source;
use crate::peripherals::{ledc, rmt};
use crate::pins::{AttachError, Bench, DeviceId, Drive, Drives, PINS, PinDevice, PinEvent, PinState, Planned, Wave};

impl Chip {
    /// What the chip's peripherals put out towards the pins.
    fn signals(&self, now: Tick) -> Signals {
        let mut signals = Signals::IDLE;
        for channel in 0..ledc::CHANNELS {
            signals.set(signal::LEDC_LS_SIG0 + channel, self.ledc.level(channel, now), true);
        }
        for n in 0..rmt::PAIRS {
            signals.set(signal::RMT_SIG0 + n, self.rmt.level(n), true);
        }
        let (scl, sda) = self.i2c0.outputs();
        signals.set(signal::I2CEXT0_SCL, scl, true);
        signals.set(signal::I2CEXT0_SDA, sda, true);
        self.spi2.put_out(&mut signals);
        signals
    }

    /// Hands the levels to the peripherals' inputs.
    fn tell_peripherals(&mut self, now: Tick) {
        let at = self.at(now);
        for n in 0..rmt::PAIRS {
            if let Some(level) = self.gpio.input(signal::RMT_SIG0 + n) {
                self.rmt.set_input(at, n, level);
            }
        }
        if let (Some(scl), Some(sda)) = (self.gpio.input(signal::I2CEXT0_SCL), self.gpio.input(signal::I2CEXT0_SDA)) {
            self.i2c0.set_lines(at, scl, sda);
        }
        if let Some(level) = self.gpio.matrix_input(signal::U1RXD) {
            self.uart[1].set_input(at, level);
            self.plan_uart(1, now);
        }
        let data = self.gpio.input(signal::FSPID).unwrap_or(false);
        self.spi2.set_inputs(data, self.gpio.input(signal::FSPIQ).unwrap_or(false));
    }

    /// Brings the levels of pins with pulse trains up to date, which change without events where
    /// nothing depends on their edges.
    pub(super) fn refresh_waves(&mut self, now: Tick) {
        if self.gpio.moving() != 0 {
            self.follow_pins(now);
        }
    }

    /// Interrupts and events of the peripherals that work on pins.
    pub(super) fn follow_signals(&mut self, now: Tick) {
        self.matrix.set(Source::Ledc, self.ledc.active());
        self.matrix.set(Source::Rmt, self.rmt.active());
        self.matrix.set(Source::I2cExt0, self.i2c0.active());
        self.matrix.set(Source::Spi2, self.spi2.active());
        let due = self.ledc.deadline(now, self.channels_with_edges());
        self.plan(Planner::Ledc, due);
        let due = self.rmt.deadline(self.clocks);
        self.plan(Planner::Rmt, due);
        let due = self.i2c0.deadline();
        self.plan(Planner::I2c0, due);
        let due = self.spi2.deadline();
        self.plan(Planner::Spi2, due);
    }

    /// LEDC channels on pins at which somebody depends on single edges.
    fn channels_with_edges(&self) -> u32 {
        let routed = self.gpio.routed();
        if routed == 0 {
            return 0;
        }
        let mut pins = routed & (self.gpio.edge_pins() | self.bench.edge_pins());
        let mut channels = 0;
        while pins != 0 {
            let pin = pins.trailing_zeros() as u8;
            pins &= pins - 1;
            channels |= self.channel_of(pin).map_or(0, |(channel, _)| 1 << channel);
        }
        channels
    }

    /// The LEDC channel on a pin, and whether the pin inverts it.
    fn channel_of(&self, pin: u8) -> Option<(usize, bool)> {
        let (number, inverted) = self.gpio.signal_of(pin)?;
        let channel = number.checked_sub(signal::LEDC_LS_SIG0).filter(|&channel| channel < ledc::CHANNELS)?;
        Some((channel, inverted))
    }

    /// What both sides do to the pins, and the levels that follow.
    fn pins_now(&self, now: Tick) -> (Drives, Drives, u32) {
        let signals = if self.gpio.moving() == 0 { Signals::IDLE } else { self.signals(now) };
        let mut chip = self.gpio.drives(&signals);
        chip.share(self.bench.wires());
        let outside = self.bench.drives();
        (chip, outside, chip.levels(outside))
    }

    /// As [`follow_pins`](Self::follow_pins), where the program has changed outputs or the interrupt status and nothing
    /// else. Programs toggle pins in loops, and mostly pins of which only the host takes notice.
    pub(super) fn follow_outputs(&mut self, now: Tick) {
        let (chip, _, levels) = self.pins_now(now);
        let changed = levels ^ self.gpio.levels();
        if self.gpio.moving() != 0 || changed & (self.gpio.heard() | self.bench.edge_pins()) != 0 {
            return self.follow_pins(now);
        }
        let before = std::mem::replace(&mut self.chip_drives, chip);
        self.gpio.set_levels(levels);
        if self.bench.watched() != 0 {
            self.report_pins(now, before, chip, changed, levels);
        }
        self.follow_pin_interrupts();
    }

    fn follow_pin_interrupts(&mut self) {
        let (maskable, nmi) = self.gpio.active();
        self.matrix.set(Source::Gpio, maskable);
        self.matrix.set(Source::GpioNmi, nmi);
    }

    /// Lets everybody follow the pins until they stand still.
    pub(super) fn follow_pins(&mut self, now: Tick) {
        for _ in 0..Bench::max_rounds() {
            let (chip, outside, levels) = self.pins_now(now);
            let before = std::mem::replace(&mut self.chip_drives, chip);
            let changed = levels ^ self.gpio.levels();
            self.gpio.set_levels(levels);
            if self.bench.watched() != 0 {
                self.report_pins(now, before, chip, changed, levels);
            }
            self.tell_peripherals(now);
            if changed == 0 {
                break;
            }
            self.bench.tell_levels(now, changed, levels);
            let (chip_then, outside_then, _) = self.pins_now(now);
            if (chip_then, outside_then) == (chip, outside) {
                break;
            }
        }
        self.follow_pin_interrupts();
        self.plan_bench();
        self.follow_signals(now);
        self.wake_by_pins(now);
    }

    fn plan_bench(&mut self) {
        let due = self.bench.deadline();
        self.plan(Planner::Bench, due);
    }

    /// Tells of watched pins that changed. A pulse train is told when it begins, changes or ends, and
    /// not edge by edge.
    fn report_pins(&mut self, now: Tick, before: Drives, chip: Drives, changed: u32, levels: u32) {
        let mut rest = self.bench.watched() & ((1 << PINS) - 1);
        while rest != 0 {
            let pin = rest.trailing_zeros() as u8;
            rest &= rest - 1;
            let wave = self.wave(pin);
            let new_wave = self.bench.note_wave(pin, wave);
            let moved = changed >> pin & 1 != 0 || before.of(pin) != chip.of(pin);
            if new_wave || moved && wave.is_none() {
                let level = levels >> pin & 1 != 0;
                self.bench.report(PinEvent { tick: now, pin, level, chip: chip.of(pin), wave });
            }
        }
    }

    /// The pulse train that LEDC puts out on a pin.
    fn wave(&self, pin: u8) -> Option<Wave> {
        let (channel, inverted) = self.channel_of(pin)?;
        self.ledc.wave(channel).map(|wave| Wave { inverted, ..wave })
    }

    /// Lets what is planned happen, and runs the devices that are due.
    pub(super) fn run_bench(&mut self, now: Tick) {
        while let Some(planned) = self.bench.take_due(now) {
            match planned {
                Planned::Pin { pin, drive } => {
                    self.bench.drive(pin, drive);
                    self.follow_pins(now);
                }
                Planned::Analog { channel, raw } => self.saradc.set_input(channel, raw),
            }
        }
        self.bench.run(now);
        self.follow_pins(now);
    }

    // ---- the host's side ------------------------------------------------------------------------

    pub(crate) fn pin_state(&self, now: Tick, pin: u8) -> Option<PinState> {
        let (chip, outside, levels) = self.pins_now(now);
        (pin < PINS).then(|| PinState {
            level: levels >> pin & 1 != 0,
            chip: chip.of(pin),
            outside: outside.of(pin),
            contention: chip.contention(outside) >> pin & 1 != 0,
            wave: self.wave(pin),
            trigger: self.gpio.trigger(pin),
        })
    }

    /// Levels of all pins, and those that the chip itself drives.
    pub(crate) fn pins(&self, now: Tick) -> (u32, u32) {
        let (chip, _, levels) = self.pins_now(now);
        (levels, chip.strong())
    }

    pub(crate) fn watch_pins(&mut self, pins: u32) {
        self.bench.watch(pins);
    }

    pub(crate) fn stop_on_pins(&mut self, pins: u32) {
        self.bench.stop_on(pins);
    }

    pub(crate) fn take_pin_stop(&mut self) -> Option<u8> {
        self.bench.take_stop()
    }

    pub(crate) fn take_pin_events(&mut self) -> Vec<PinEvent> {
        self.bench.take_events()
    }

    pub(crate) fn lost_pin_events(&self) -> u64 {
        self.bench.lost_events()
    }

    pub(crate) fn drive_pin(&mut self, now: Tick, pin: u8, drive: Drive) {
        self.bench.drive(pin, drive);
        self.follow_pins(now);
    }

    pub(crate) fn plan_pin(&mut self, now: Tick, tick: Tick, pin: u8, drive: Drive) -> Result<(), AttachError> {
        self.plan_input(now, tick, Planned::Pin { pin, drive })
    }

    pub(crate) fn plan_analog(&mut self, now: Tick, tick: Tick, channel: u8, raw: u16) -> Result<(), AttachError> {
        self.plan_input(now, tick, Planned::Analog { channel, raw })
    }

    fn plan_input(&mut self, now: Tick, tick: Tick, input: Planned) -> Result<(), AttachError> {
        self.bench.plan(now, tick, input)?;
        self.plan_bench();
        Ok(())
    }

    pub(crate) fn forget_planned_pin(&mut self, pin: u8) {
        self.bench.forget_planned(pin);
        self.plan_bench();
    }

    pub(crate) fn connect_pins(&mut self, now: Tick, pins: &[u8]) -> Result<(), AttachError> {
        self.bench.connect(pins)?;
        self.follow_pins(now);
        Ok(())
    }

    pub(crate) fn disconnect_pins(&mut self, now: Tick, pins: &[u8]) -> Result<(), AttachError> {
        self.bench.disconnect(pins)?;
        self.follow_pins(now);
        Ok(())
    }

    pub(crate) fn attach(
        &mut self,
        now: Tick,
        device: Box<dyn PinDevice>,
        pins: &[u8],
    ) -> Result<DeviceId, AttachError> {
        let levels = self.pins_now(now).2;
        let id = self.bench.attach(now, levels, device, pins)?;
        self.follow_pins(now);
        Ok(id)
    }

    pub(crate) fn detach(&mut self, now: Tick, id: DeviceId) -> Option<Box<dyn PinDevice>> {
        let device = self.bench.detach(id);
        self.follow_pins(now);
        device
    }

    pub(crate) fn device<T: PinDevice>(&self, id: DeviceId) -> Option<&T> {
        self.bench.device(id)
    }

    pub(crate) fn tell_device(&mut self, now: Tick, id: DeviceId, message: &[u8]) -> Result<(), AttachError> {
        self.bench.tell(now, id, message)?;
        self.follow_pins(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
