//! Where the chip's pins meet the bench: levels follow from what both sides do, and everybody who
//! hangs on a pin learns of them at the tick at which they change.

use super::Chip;
use crate::bus::Tick;
use crate::clock::Planner;
use crate::peripherals::gpio::Signals;
use crate::peripherals::interrupt_matrix::Source;
use crate::pins::{AttachError, Bench, DeviceId, Drive, Drives, PINS, PinDevice, PinEvent, PinState, Planned, Wave};

impl Chip {
    /// What the chip's peripherals put out towards the pins.
    fn signals(&self, _now: Tick) -> Signals {
        Signals::IDLE
    }

    /// What both sides do to the pins, and the levels that follow.
    fn pins_now(&self, now: Tick) -> (Drives, Drives, u32) {
        let signals = if self.gpio.routed() == 0 { Signals::IDLE } else { self.signals(now) };
        let mut chip = self.gpio.drives(&signals);
        chip.share(self.bench.wires());
        let outside = self.bench.drives();
        (chip, outside, chip.levels(outside))
    }

    /// Lets everybody follow the pins until they stand still.
    pub(super) fn follow_pins(&mut self, now: Tick) {
        for _ in 0..Bench::max_rounds() {
            let (chip, outside, levels) = self.pins_now(now);
            let before = std::mem::replace(&mut self.chip_drives, chip);
            let changed = levels ^ self.gpio.levels();
            self.gpio.set_levels(levels);
            if changed == 0 && before == chip {
                break;
            }
            self.report_pins(now, before, chip, changed, levels);
            if changed == 0 {
                break;
            }
            self.bench.tell_levels(now, changed, levels);
            if self.bench.drives() == outside && self.pins_now(now).0 == chip {
                break;
            }
        }
        let (maskable, nmi) = self.gpio.active();
        self.matrix.set(Source::Gpio, maskable);
        self.matrix.set(Source::GpioNmi, nmi);
        self.schedule.plan(Planner::Bench, self.bench.deadline());
    }

    fn report_pins(&mut self, now: Tick, before: Drives, chip: Drives, changed: u32, levels: u32) {
        let mut rest = self.bench.watched() & (1 << PINS) - 1;
        while rest != 0 {
            let pin = rest.trailing_zeros() as u8;
            rest &= rest - 1;
            if changed >> pin & 1 != 0 || before.of(pin) != chip.of(pin) {
                let level = levels >> pin & 1 != 0;
                self.bench.report(PinEvent { tick: now, pin, level, chip: chip.of(pin), wave: self.wave(pin) });
            }
        }
    }

    /// The pulse train that LEDC puts out on a pin.
    fn wave(&self, _pin: u8) -> Option<Wave> {
        None
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
        self.schedule.plan(Planner::Bench, self.bench.deadline());
        Ok(())
    }

    pub(crate) fn forget_planned_pin(&mut self, pin: u8) {
        self.bench.forget_planned(pin);
        self.schedule.plan(Planner::Bench, self.bench.deadline());
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
