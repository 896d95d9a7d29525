//! Light and deep sleep: what stands still, what wakes the chip, and how it goes on.

use super::{Chip, Port};
use crate::bus::Tick;
use crate::clock::{Planner, Schedule};
use crate::memory::Memory;
use crate::peripherals::interrupt_matrix::Source;
use crate::peripherals::rtc_cntl::{ResetCause, Sleep, wake};
use crate::pins::Drives;

impl Chip {
    /// Whether the chip sleeps, so that no instruction is executed.
    pub(crate) fn is_asleep(&self) -> bool {
        self.rtc.sleep().is_some()
    }

    /// Plans an event, unless its device stands still while the chip sleeps.
    pub(super) fn plan(&mut self, planner: Planner, due: Tick) {
        let stands = match self.rtc.sleep() {
            None => false,
            Some(Sleep::Light) => matches!(planner, Planner::Systimer | Planner::Timg0 | Planner::Timg1),
            Some(Sleep::Deep) => !matches!(planner, Planner::RtcCntl | Planner::Bench),
        };
        self.schedule.plan(planner, if stands { Tick::MAX } else { due });
    }

    /// The chip has been asked to sleep: it does, unless something that would wake it is there already.
    pub(super) fn fall_asleep(&mut self, memory: &mut Memory, now: Tick) {
        match self.rtc.fall_asleep(now, self.wake_sources()) {
            None => {}
            Some(Sleep::Light) => {
                self.plan_systimer(now);
                self.plan_timg(0, now);
                self.plan_timg(1, now);
            }
            Some(Sleep::Deep) => {
                // The digital core loses its power, and with it what it drives.
                self.reset_peripherals(memory, now);
                self.schedule = Schedule::new();
                self.chip_drives = Drives::default();
                self.follow_pins(now);
            }
        }
        self.plan_rtc();
    }

    /// What would wake the chip now, by the bits of the wake-up cause.
    fn wake_sources(&self) -> u32 {
        let levels = self.gpio.levels();
        let pins = match self.rtc.sleep_asked() {
            Sleep::Light => self.gpio.wakes() || self.rtc.pin_wakes(levels),
            Sleep::Deep => self.rtc.pin_wakes(levels),
        };
        if pins { wake::GPIO } else { 0 }
    }

    /// Looks whether a pin wakes the chip.
    pub(super) fn wake_by_pins(&mut self, now: Tick) {
        if self.is_asleep() {
            let sources = self.wake_sources();
            self.rtc.note_wake_pins(self.gpio.levels());
            self.wake(now, sources);
        }
    }

    /// Looks whether bytes on a serial line wake the chip.
    pub(super) fn wake_by_line(&mut self, now: Tick, port: Port) {
        match port {
            Port::Uart0 => self.wake(now, wake::UART0),
            Port::Uart1 => self.wake(now, wake::UART1),
            Port::Usb => {}
        }
    }

    /// One of `sources` wakes the chip if it sleeps and the source is enabled.
    pub(super) fn wake(&mut self, now: Tick, sources: u32) {
        let Some((sleep, slept)) = self.rtc.wake(now, sources) else { return };
        match sleep {
            Sleep::Light => {
                self.systimer.stood_still(slept);
                for n in 0..2 {
                    self.timg[n].stood_still(slept);
                    self.plan_timg(n, now);
                }
                self.plan_systimer(now);
            }
            Sleep::Deep => self.reset = Some(ResetCause::DeepSleep),
        }
        self.matrix.set(Source::RtcCore, self.rtc.active());
    }
}
