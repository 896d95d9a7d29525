//! The machine's pins from outside: inputs at exact ticks, events of watched pins, wires and devices.

use super::Machine;
use crate::bus::Tick;
use crate::input_log::Input;
use crate::pins::{AttachError, DeviceId, Drive, PinDevice, PinEvent, PinState};

impl Machine {
    // ---- looking ------------------------------------------------------------------------------

    /// How a pin stands now; `None`: there is no such pin.
    #[must_use]
    pub fn pin(&self, pin: u8) -> Option<PinState> {
        self.chip.pin_state(self.hart.now, pin)
    }

    /// Says which pins are watched (bit n: GPIO n). From now on every change of one of them makes a
    /// [`PinEvent`]. Which pins are watched makes no difference to the run.
    pub fn watch_pins(&mut self, pins: u32) {
        self.chip.watch_pins(pins);
    }

    /// Takes the events of watched pins, in order of time. 65,536 are kept between two calls; what comes
    /// beyond is counted by [`lost_pin_events`](Self::lost_pin_events).
    ///
    /// A run that should end at a change, so that the host can answer at once, asks for it in
    /// [`Stops::on_pins`](crate::Stops::on_pins).
    pub fn take_pin_events(&mut self) -> Vec<PinEvent> {
        self.chip.take_pin_events()
    }

    /// Events that nobody took in time, since the machine was made.
    #[must_use]
    pub fn lost_pin_events(&self) -> u64 {
        self.chip.lost_pin_events()
    }

    // ---- driving ------------------------------------------------------------------------------

    /// Drives or pulls a pin from outside, from now on, in addition to what devices do to it.
    pub fn drive_pin(&mut self, pin: u8, drive: Drive) {
        self.chip.drive_pin(self.hart.now, pin, drive);
        self.record(|| Input::Pin { pin, drive });
    }

    /// Drives a pin from outside.
    pub fn set_pin(&mut self, pin: u8, level: bool) {
        self.drive_pin(pin, Drive::to(level));
    }

    /// Lets go of a pin, so that its pull resistor decides.
    pub fn release_pin(&mut self, pin: u8) {
        self.drive_pin(pin, Drive::Released);
    }

    /// Plans to drive a pin from an exact tick on: an edge between two instructions, in the middle of a
    /// sleep, wherever the tick falls. Plans for one tick are carried out in the order of the calls.
    ///
    /// # Errors
    /// [`AttachError`] if the tick is past, the pin does not exist, or too much is planned.
    pub fn plan_pin(&mut self, tick: Tick, pin: u8, drive: Drive) -> Result<(), AttachError> {
        self.chip.plan_pin(self.hart.now, tick, pin, drive)?;
        self.record(|| Input::PlannedPin { at: tick, pin, drive });
        Ok(())
    }

    /// Forgets what is planned for a pin.
    pub fn forget_planned_pin(&mut self, pin: u8) {
        self.chip.forget_planned_pin(pin);
        self.record(|| Input::ForgetPlanned { pin });
    }

    /// Plans what a channel of ADC1 converts to from an exact tick on, 0..=4095.
    ///
    /// # Errors
    /// [`AttachError`] if the tick is past or too much is planned.
    pub fn plan_analog(&mut self, tick: Tick, channel: u8, raw: u16) -> Result<(), AttachError> {
        self.chip.plan_analog(self.hart.now, tick, channel, raw)?;
        self.record(|| Input::PlannedAnalog { at: tick, channel, raw });
        Ok(())
    }

    // ---- wires and devices --------------------------------------------------------------------

    /// Connects pins by a wire: who drives one drives all.
    ///
    /// # Errors
    /// [`AttachError`] if a pin does not exist, or there are too many wires.
    pub fn connect_pins(&mut self, pins: &[u8]) -> Result<(), AttachError> {
        self.chip.connect_pins(self.hart.now, pins)?;
        self.record(|| Input::Wire { pins: pins.to_vec(), connected: true });
        Ok(())
    }

    /// Takes the wires off these pins.
    ///
    /// # Errors
    /// [`AttachError::NoPin`].
    pub fn disconnect_pins(&mut self, pins: &[u8]) -> Result<(), AttachError> {
        self.chip.disconnect_pins(self.hart.now, pins)?;
        self.record(|| Input::Wire { pins: pins.to_vec(), connected: false });
        Ok(())
    }

    /// Connects a device to pins, in the order the device counts them. Devices belong to the machine's
    /// state: snapshots and forks have their own copies. A recording does not contain the attaching
    /// itself: attach before it begins, and use [`tell_device`](Self::tell_device) from then on.
    ///
    /// # Errors
    /// [`AttachError`] if a pin does not exist, or there are too many devices.
    pub fn attach(&mut self, device: Box<dyn PinDevice>, pins: &[u8]) -> Result<DeviceId, AttachError> {
        self.chip.attach(self.hart.now, device, pins)
    }

    /// Takes a device off.
    pub fn detach(&mut self, id: DeviceId) -> Option<Box<dyn PinDevice>> {
        self.chip.detach(self.hart.now, id)
    }

    /// Looks at a device.
    #[must_use]
    pub fn device<T: PinDevice>(&self, id: DeviceId) -> Option<&T> {
        self.chip.device(id)
    }

    /// Sends a device a message of its own kind: somebody turned its knob.
    ///
    /// # Errors
    /// [`AttachError::NoDevice`].
    pub fn tell_device(&mut self, id: DeviceId, message: &[u8]) -> Result<(), AttachError> {
        self.chip.tell_device(self.hart.now, id, message)?;
        self.record(|| Input::Device { id, message: message.to_vec() });
        Ok(())
    }

    /// Plays a recorded input of the pins. What it asks for was accepted when it was recorded, at this
    /// very instant; where it is not, the device is another and the replay goes its own way.
    pub(super) fn apply_to_pins(&mut self, input: &Input) {
        let accepted = match input {
            Input::PlannedPin { at, pin, drive } => self.plan_pin(*at, *pin, *drive),
            Input::PlannedAnalog { at, channel, raw } => self.plan_analog(*at, *channel, *raw),
            Input::Wire { pins, connected: true } => self.connect_pins(pins),
            Input::Wire { pins, connected: false } => self.disconnect_pins(pins),
            Input::Device { id, message } => self.tell_device(*id, message),
            Input::ForgetPlanned { pin } => {
                self.forget_planned_pin(*pin);
                Ok(())
            }
            _ => Ok(()),
        };
        debug_assert!(accepted.is_ok(), "{accepted:?}");
    }
}
