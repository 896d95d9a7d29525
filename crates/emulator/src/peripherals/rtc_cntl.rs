//! RTC controller, RTC_CNTL (TRM, chapters "Low-Power Management" and "Watchdog Timers"): reset
//! control and causes, the registers that survive a reset, the RTC timer, the RTC watchdog RWDT,
//! the super watchdog SWD, and the state machine of light and deep sleep.

use super::watchdog::{StageAction, Stages, Watchdog};
use super::{Interrupts, Registers, bit, field};
use crate::bus::Tick;
use crate::clock::{RC_SLOW_HZ, cycles_of, ticks_for};

const OPTIONS0: u32 = 0x000;
const SLP_TIMER0: u32 = 0x004;
const SLP_TIMER1: u32 = 0x008;
const TIME_UPDATE: u32 = 0x00C;
const TIME_LOW0: u32 = 0x010;
const TIME_HIGH0: u32 = 0x014;
const STATE0: u32 = 0x018;
const RESET_STATE: u32 = 0x038;
const WAKEUP_STATE: u32 = 0x03C;
const INT_ENA: u32 = 0x040;
const INT_RAW: u32 = 0x044;
const INT_ST: u32 = 0x048;
const INT_CLR: u32 = 0x04C;
const STORE0: u32 = 0x050;
const STORE3: u32 = 0x05C;
const SLP_REJECT_CONF: u32 = 0x068;
const DIG_PWC: u32 = 0x088;
const WDTCONFIG0: u32 = 0x090;
const WDTCONFIG1: u32 = 0x094;
const WDTCONFIG4: u32 = 0x0A0;
const WDTFEED: u32 = 0x0A4;
const WDTWPROTECT: u32 = 0x0A8;
const SWD_CONF: u32 = 0x0AC;
const SWD_WPROTECT: u32 = 0x0B0;
const STORE4: u32 = 0x0B8;
const STORE7: u32 = 0x0C4;
const LOW_POWER_ST: u32 = 0x0C8;
const TIME_LOW1: u32 = 0x0DC;
const TIME_HIGH1: u32 = 0x0E0;
const SLP_REJECT_CAUSE: u32 = 0x0F0;
const SLP_WAKEUP_CAUSE: u32 = 0x0F8;
const GPIO_WAKEUP: u32 = 0x110;
const INT_ENA_W1TS: u32 = 0x100;
const INT_ENA_W1TC: u32 = 0x104;

const RESET: &[(u32, u32)] = &[
    (OPTIONS0, 0x1C00_A000),
    (0x01C, 0x2814_0403),
    (0x020, 0x0100_0000),
    (0x024, 0x0A08_0A08),
    (0x028, 0x1020_0A08),
    (0x02C, 0x0000_8000),
    (0x030, 0x0A08_0000),
    (0x034, 0x00C4_0000),
    (0x03C, 0x0006_0000),
    (0x060, 0x0006_6C80),
    (0x070, 0x1158_3218),
    (0x074, 0x0040_0000),
    (0x078, 0x0AB0_BE0A),
    (0x07C, 0x0001_0800),
    (0x080, 0xA000_0000),
    (0x088, 0x0055_5010),
    (0x08C, 0xAA80_5080),
    (WDTCONFIG0, 0x0001_3214),
    (WDTCONFIG1, 0x0003_0D40),
    (0x098, 0x0003_0D40),
    (0x09C, 0x0003_0D40),
    (WDTCONFIG4, 0x0003_0D40),
    (SWD_CONF, 0x04B0_0000),
    (0x0D8, 0x43FF_0010),
    (0x0E8, 0x0FF0_0000),
    (0x0FC, 0x0000_C800),
    (0x108, 0xA0D0_0000),
    (0x10C, 0x0000_0007),
    (0x1FC, 0x0200_7270),
];

/// The value of WDTWPROTECT that opens the watchdog registers for writing.
const WDT_WKEY: u32 = 0x50D8_3AA1;
/// The value of SWD_WPROTECT that opens SWD_CONF for writing.
const SWD_WKEY: u32 = 0x8F1D_312A;
/// How long the super watchdog waits for its feeding: just under one second (TRM, "Super
/// Watchdog").
const SWD_TIMEOUT_CYCLES: u64 = RC_SLOW_HZ * 95 / 100;

const SLP_WAKEUP_INT: u32 = 1 << 0;
const SLP_REJECT_INT: u32 = 1 << 1;
const WDT_INT: u32 = 1 << 3;
const MAIN_TIMER_INT: u32 = 1 << 10;

/// Pins of the RTC domain, GPIO0 to GPIO5.
const RTC_PINS: u32 = 6;

/// Bits of the wake-up sources, in WAKEUP_STATE and in the causes (TRM, table "Wakeup Source").
pub(crate) mod wake {
    pub(crate) const GPIO: u32 = 1 << 2;
    pub(crate) const TIMER: u32 = 1 << 3;
    pub(crate) const UART0: u32 = 1 << 6;
    pub(crate) const UART1: u32 = 1 << 7;
}

/// How deep the chip sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sleep {
    /// Everything keeps its state; the CPU and the timers of the digital core stand still.
    Light,
    /// The digital core is without power; waking is a reset.
    Deep,
}

/// Why the chip was reset, with the codes of RTC_CNTL_RESET_STATE (TRM, chapter "Reset and
/// Clock", table "Reset Sources").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum ResetCause {
    /// Power-on, or the EN pin.
    PowerOn = 0x01,
    /// Software system reset (RTC_CNTL_SW_SYS_RST).
    SoftwareSystem = 0x03,
    /// Waking from deep sleep.
    DeepSleep = 0x05,
    /// Main watchdog 0, system reset.
    MainWatchdog0System = 0x07,
    /// Main watchdog 1, system reset.
    MainWatchdog1System = 0x08,
    /// RTC watchdog, system reset.
    RtcWatchdogSystem = 0x09,
    /// Main watchdog 0, CPU reset.
    MainWatchdog0Cpu = 0x0B,
    /// Software CPU reset (RTC_CNTL_SW_PROCPU_RST).
    SoftwareCpu = 0x0C,
    /// RTC watchdog, CPU reset.
    RtcWatchdogCpu = 0x0D,
    /// RTC watchdog, reset of the chip with the RTC domain.
    RtcWatchdogChip = 0x10,
    /// Main watchdog 1, CPU reset.
    MainWatchdog1Cpu = 0x11,
    /// Super watchdog.
    SuperWatchdog = 0x12,
    /// USB-serial-JTAG, by the serial control lines.
    UsbUart = 0x15,
}

/// How much of the chip a reset reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResetDepth {
    /// The hart alone.
    Cpu,
    /// All digital peripherals, not the RTC domain.
    Core,
    /// Everything.
    Chip,
}

impl ResetCause {
    /// What this reset reaches.
    pub(crate) fn depth(self) -> ResetDepth {
        match self {
            Self::SoftwareCpu | Self::MainWatchdog0Cpu | Self::MainWatchdog1Cpu | Self::RtcWatchdogCpu => {
                ResetDepth::Cpu
            }
            Self::PowerOn | Self::RtcWatchdogChip | Self::SuperWatchdog => ResetDepth::Chip,
            _ => ResetDepth::Core,
        }
    }
}

/// The RTC_CNTL block at 0x6000_8000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct RtcCntl {
    registers: Registers<0x80>,
    cause: ResetCause,
    /// The tick at which the RTC timer stood at 0.
    epoch: Tick,
    latched_time: u64,
    watchdog: Watchdog,
    /// When the super watchdog was fed last.
    swd_fed: Tick,
    timer_alarm: bool,
    /// The alarm has passed and nobody has looked yet.
    timer_passed: bool,
    /// How the chip sleeps, and since when.
    asleep: Option<(Sleep, Tick)>,
    interrupts: Interrupts,
}

impl RtcCntl {
    /// The controller after power-on.
    pub(crate) fn new(now: Tick, cause: ResetCause) -> Self {
        Self {
            registers: Registers::new(RESET),
            cause,
            epoch: now,
            latched_time: 0,
            watchdog: Watchdog::new(),
            swd_fed: now,
            timer_alarm: false,
            timer_passed: false,
            asleep: None,
            interrupts: Interrupts::default(),
        }
    }

    /// Arms the flash-boot protection, which runs while the chip boots from flash, or leaves it off
    /// (TRM, "Flash Boot Protection"). WDT_FLASHBOOT_MOD_EN shows it.
    pub(crate) fn set_flash_boot_protection(&mut self, now: Tick, armed: bool) {
        let config = self.registers.get(WDTCONFIG0) & !(1 << 12);
        self.registers.set(WDTCONFIG0, config | u32::from(armed) << 12);
        self.update_watchdog(now);
    }

    /// What a reset of the digital core does here: the RTC domain goes on, the watchdogs begin
    /// anew, and the cause can be read.
    pub(crate) fn core_reset(&mut self, now: Tick, cause: ResetCause) {
        self.cause = cause;
        for &(offset, value) in RESET.iter().filter(|(offset, _)| (WDTCONFIG0..=SWD_CONF).contains(offset)) {
            self.registers.set(offset, value);
        }
        self.registers.set(WDTWPROTECT, 0);
        self.registers.set(SWD_WPROTECT, 0);
        self.interrupts = Interrupts::default();
        self.asleep = None;
        self.swd_fed = now;
        self.watchdog = Watchdog::new();
    }

    /// Records the cause of a reset of the hart alone.
    pub(crate) fn cpu_reset(&mut self, cause: ResetCause) {
        self.cause = cause;
    }

    /// The cause of the last reset.
    pub(crate) fn cause(&self) -> ResetCause {
        self.cause
    }

    /// Whether RTC_CNTL_FORCE_DOWNLOAD_BOOT asks the ROM for download mode at the next reset.
    pub(crate) fn force_download_boot(&self) -> bool {
        bit(self.registers.get(0x0F4), 0)
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    fn time(&self, now: Tick) -> u64 {
        cycles_of(now.saturating_sub(self.epoch), RC_SLOW_HZ)
    }

    fn time_reaches(&self, time: u64) -> Tick {
        self.epoch.saturating_add(ticks_for(time, RC_SLOW_HZ))
    }

    // ---- sleep ----------------------------------------------------------------------------------

    /// Whether the timer's alarm has passed, once.
    pub(crate) fn take_timer_passed(&mut self) -> bool {
        std::mem::take(&mut self.timer_passed)
    }

    /// How the chip sleeps now.
    pub(crate) fn sleep(&self) -> Option<Sleep> {
        self.asleep.map(|(sleep, _)| sleep)
    }

    /// How the chip would sleep: without power for the digital core (DG_WRAP_PD_EN) it is deep.
    pub(crate) fn sleep_asked(&self) -> Sleep {
        if bit(self.registers.get(DIG_PWC), 31) { Sleep::Deep } else { Sleep::Light }
    }

    fn enabled_sources(&self) -> u32 {
        field(self.registers.get(WAKEUP_STATE), 15, 31)
    }

    /// Whether SLEEP_EN asks for sleep.
    pub(crate) fn wants_sleep(&self) -> bool {
        self.asleep.is_none() && bit(self.registers.get(STATE0), 31)
    }

    /// SLEEP_EN: the chip sleeps, or rejects it if one of the sources that are there is enabled.
    pub(crate) fn fall_asleep(&mut self, now: Tick, sources: u32) -> Option<Sleep> {
        let sleep = self.sleep_asked();
        let there = sources & self.enabled_sources();
        let reject = self.registers.get(SLP_REJECT_CONF);
        let may_reject = bit(reject, if sleep == Sleep::Deep { 31 } else { 30 });
        self.asleep = Some((sleep, now));
        if there != 0 && may_reject {
            self.leave_sleep();
            self.interrupts.raw |= SLP_REJECT_INT;
            self.registers.set(SLP_REJECT_CAUSE, there);
            self.registers.set(STATE0, self.registers.get(STATE0) | 1 << 30);
            return None;
        }
        Some(sleep)
    }

    fn leave_sleep(&mut self) {
        self.asleep = None;
        // SLEEP_EN has been carried out.
        let state = self.registers.get(STATE0) & !(7 << 29);
        self.registers.set(STATE0, state);
    }

    /// Wakes the chip if one of the sources is enabled; returns how it slept and for how long.
    pub(crate) fn wake(&mut self, now: Tick, sources: u32) -> Option<(Sleep, Tick)> {
        let cause = sources & self.enabled_sources();
        let (sleep, since) = self.asleep.filter(|_| cause != 0)?;
        let slept = now.saturating_sub(since);
        self.leave_sleep();
        self.interrupts.raw |= SLP_WAKEUP_INT;
        self.registers.set(SLP_WAKEUP_CAUSE, cause);
        self.registers.set(STATE0, self.registers.get(STATE0) | 1 << 29);
        self.swd_fed = self.swd_fed.saturating_add(slept);
        if self.watchdog_pauses() {
            self.watchdog.stood_still(slept);
        }
        Some((sleep, slept))
    }

    /// WDT_PAUSE_IN_SLP.
    fn watchdog_pauses(&self) -> bool {
        bit(self.registers.get(WDTCONFIG0), 9)
    }

    /// RTC pins whose level wakes the chip (RTC_GPIO_PINn_WAKEUP_ENABLE with a level type).
    fn waking_pins(&self, levels: u32) -> u32 {
        let conf = self.registers.get(GPIO_WAKEUP);
        (0..RTC_PINS)
            .filter(|&pin| bit(conf, 31 - pin))
            .filter(|&pin| match field(conf, 23 - 3 * pin, 25 - 3 * pin) {
                4 => !bit(levels, pin),
                5 => bit(levels, pin),
                _ => false,
            })
            .fold(0, |pins, pin| pins | 1 << pin)
    }

    /// Whether one of them does.
    pub(crate) fn pin_wakes(&self, levels: u32) -> bool {
        self.waking_pins(levels) != 0
    }

    /// Notes in GPIO_WAKEUP which pins wake the chip; the status has GPIO0 in its highest bit.
    pub(crate) fn note_wake_pins(&mut self, levels: u32) {
        let pins = self.waking_pins(levels);
        let status = (0..RTC_PINS).filter(|&pin| bit(pins, pin)).fold(0, |status, pin| status | 1 << (5 - pin));
        self.registers.set(GPIO_WAKEUP, self.registers.get(GPIO_WAKEUP) | status);
    }

    // ---- time -----------------------------------------------------------------------------------

    fn swd_works(&self) -> bool {
        // SWD_DISABLE and SWD_AUTO_FEED_EN each put it out of action. The mask ROM never feeds it
        // and yet waits in download mode for hours: until somebody opens SWD_CONF it sleeps.
        let conf = self.registers.get(SWD_CONF);
        conf & 1 << 2 != 0 && !bit(conf, 30) && !bit(conf, 31)
    }

    /// The tick of the next watchdog stage or timer alarm.
    pub(crate) fn deadline(&self) -> Tick {
        let alarm = if self.timer_alarm {
            let target = u64::from(field(self.registers.get(SLP_TIMER1), 0, 15)) << 32
                | u64::from(self.registers.get(SLP_TIMER0));
            self.time_reaches(target)
        } else {
            Tick::MAX
        };
        if self.asleep.is_some() {
            let guarded = if self.watchdog_pauses() { Tick::MAX } else { self.watchdog.deadline(&self.stages()) };
            return alarm.min(guarded);
        }
        let swd = if self.swd_works() {
            self.swd_fed.saturating_add(ticks_for(SWD_TIMEOUT_CYCLES, RC_SLOW_HZ))
        } else {
            Tick::MAX
        };
        self.watchdog.deadline(&self.stages()).min(alarm).min(swd)
    }

    /// Lets what is due happen; returns a reset that is to follow.
    pub(crate) fn run(&mut self, now: Tick) -> Option<ResetCause> {
        if self.timer_alarm && self.deadline() <= now {
            let target = u64::from(field(self.registers.get(SLP_TIMER1), 0, 15)) << 32
                | u64::from(self.registers.get(SLP_TIMER0));
            if self.time_reaches(target) <= now {
                self.timer_alarm = false;
                self.timer_passed = true;
                self.interrupts.raw |= MAIN_TIMER_INT;
            }
        }
        if self.asleep.is_some() && self.watchdog_pauses() {
            return None;
        }
        if self.asleep.is_none()
            && self.swd_works()
            && self.swd_fed.saturating_add(ticks_for(SWD_TIMEOUT_CYCLES, RC_SLOW_HZ)) <= now
        {
            return Some(ResetCause::SuperWatchdog);
        }
        match self.watchdog.expire(now, &self.stages())? {
            StageAction::Off => None,
            StageAction::Interrupt => {
                self.interrupts.raw |= WDT_INT;
                None
            }
            StageAction::CpuReset => Some(ResetCause::RtcWatchdogCpu),
            StageAction::SystemReset => Some(ResetCause::RtcWatchdogSystem),
            StageAction::ChipReset => Some(ResetCause::RtcWatchdogChip),
        }
    }

    fn stages(&self) -> Stages {
        let config = self.registers.get(WDTCONFIG0);
        let timeouts = std::array::from_fn(|stage| {
            let hold = u64::from(self.registers.get(WDTCONFIG1 + 4 * stage as u32)).max(1);
            // Stage 0 is twice as long as its register says, with WDT_DELAY_SEL unburnt in eFuse.
            ticks_for(if stage == 0 { 2 * hold } else { hold }, RC_SLOW_HZ)
        });
        let mut actions = [28, 25, 22, 19].map(|low| match field(config, low, low + 2) {
            1 => StageAction::Interrupt,
            2 if bit(config, 11) => StageAction::CpuReset,
            3 => StageAction::SystemReset,
            // The manual only names 4; esptool and espflash reset chips with 5.
            4.. => StageAction::ChipReset,
            _ => StageAction::Off,
        });
        if !bit(config, 31) {
            // The flash-boot protection works without WDT_EN: stage 0 resets the system.
            actions[0] = StageAction::SystemReset;
        }
        Stages { actions, timeouts }
    }

    fn update_watchdog(&mut self, now: Tick) {
        let config = self.registers.get(WDTCONFIG0);
        self.watchdog.set_running(now, bit(config, 31) || bit(config, 12));
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        match offset {
            TIME_LOW0 | TIME_LOW1 => self.latched_time as u32,
            TIME_HIGH0 | TIME_HIGH1 => (self.latched_time >> 32) as u32 & 0xFFFF,
            // Both cause fields and the vector selection bits of a chip with one CPU.
            RESET_STATE => 0x3000 | self.cause as u32 | self.registers.get(RESET_STATE) & 0x030C_0000,
            INT_ENA => self.interrupts.enabled,
            INT_RAW => self.interrupts.raw,
            INT_ST => self.interrupts.status(),
            INT_CLR | WDTFEED | INT_ENA_W1TS | INT_ENA_W1TC => 0,
            // The main state machine is awake, the crystal and the digital core are on.
            LOW_POWER_ST => 1 << 19 | 1 << 27,
            SWD_CONF => self.registers.get(SWD_CONF) & !7,
            _ => self.registers.get(offset),
        }
    }

    /// Writes a register; returns the reset it asks for.
    pub(crate) fn store(&mut self, now: Tick, offset: u32, value: u32) -> Option<ResetCause> {
        match offset {
            OPTIONS0 => {
                // SW_SYS_RST and SW_PROCPU_RST are commands and read 0.
                self.registers.set(offset, value & !(1 << 31 | 3 << 4));
                if bit(value, 31) {
                    return Some(ResetCause::SoftwareSystem);
                }
                if bit(value, 5) {
                    return Some(ResetCause::SoftwareCpu);
                }
            }
            STATE0 => {
                // SW_CPU_INT and the clearing of the reject cause are commands.
                self.registers.set(offset, value & !3);
                if bit(value, 1) {
                    self.registers.set(SLP_REJECT_CAUSE, 0);
                }
            }
            GPIO_WAKEUP => {
                let held = if bit(value, 6) { 0 } else { self.registers.get(offset) & 0x3F };
                self.registers.set(offset, value & !0x3F | held);
            }
            SLP_REJECT_CAUSE | SLP_WAKEUP_CAUSE => {}
            SLP_TIMER1 => {
                self.registers.set(offset, value & 0xFFFF);
                if bit(value, 16) {
                    self.timer_alarm = true;
                }
            }
            TIME_UPDATE => {
                self.registers.set(offset, value & !(1 << 31));
                if bit(value, 31) {
                    self.latched_time = self.time(now);
                }
            }
            INT_ENA => self.interrupts.enabled = value,
            INT_ENA_W1TS => self.interrupts.enabled |= value,
            INT_ENA_W1TC => self.interrupts.enabled &= !value,
            INT_CLR => self.interrupts.raw &= !value,
            WDTCONFIG0..=WDTCONFIG4 => {
                if self.registers.get(WDTWPROTECT) == WDT_WKEY {
                    self.registers.set(offset, value);
                    self.update_watchdog(now);
                }
            }
            WDTFEED => {
                if self.registers.get(WDTWPROTECT) == WDT_WKEY && bit(value, 31) {
                    self.watchdog.feed(now);
                }
            }
            SWD_CONF => {
                if self.registers.get(SWD_WPROTECT) == SWD_WKEY {
                    // Bit 2 is not a register bit of the chip: it holds that the guest has taken
                    // the super watchdog over. SWD_FEED and the flag clear are commands.
                    self.registers.set(offset, value & !(3 << 28 | 7) | 1 << 2);
                    self.swd_fed = now;
                }
            }
            TIME_LOW0 | TIME_HIGH0 | TIME_LOW1 | TIME_HIGH1 | INT_RAW | INT_ST | LOW_POWER_ST => {}
            STORE0..=STORE3 | STORE4..=STORE7 => self.registers.set(offset, value),
            _ => self.registers.set(offset, value),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::TICKS_PER_SECOND;

    #[test]
    fn software_resets_have_their_causes_and_read_back_as_zero() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        assert_eq!(rtc.peek(RESET_STATE) & 0x3F, 1);
        let options = rtc.peek(OPTIONS0);
        assert_eq!(rtc.store(0, OPTIONS0, options | 1 << 31), Some(ResetCause::SoftwareSystem));
        assert_eq!(rtc.store(0, OPTIONS0, options | 1 << 5), Some(ResetCause::SoftwareCpu));
        assert_eq!(rtc.peek(OPTIONS0), options);
        rtc.core_reset(0, ResetCause::SoftwareSystem);
        assert_eq!(rtc.peek(RESET_STATE) & 0x3F, 3);
    }

    #[test]
    fn store_registers_survive_a_core_reset() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        for offset in [STORE0, STORE3, STORE4, STORE7] {
            rtc.store(0, offset, 0xABC0 | offset);
        }
        rtc.core_reset(1000, ResetCause::RtcWatchdogSystem);
        for offset in [STORE0, STORE3, STORE4, STORE7] {
            assert_eq!(rtc.peek(offset), 0xABC0 | offset);
        }
    }

    #[test]
    fn the_rtc_timer_is_latched_on_request() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        rtc.store(2 * TICKS_PER_SECOND, TIME_UPDATE, 1 << 31);
        assert_eq!(u64::from(rtc.peek(TIME_LOW0)), 2 * RC_SLOW_HZ);
        assert_eq!(rtc.peek(TIME_UPDATE), 0);
    }

    #[test]
    fn the_watchdog_needs_its_key_and_resets_with_its_cause() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        assert_eq!(rtc.deadline(), Tick::MAX, "not a boot from flash");
        rtc.set_flash_boot_protection(0, true);
        assert_ne!(rtc.deadline(), Tick::MAX, "flash-boot protection");
        rtc.store(0, WDTCONFIG0, 0);
        assert_ne!(rtc.deadline(), Tick::MAX, "still protected");
        rtc.store(0, WDTWPROTECT, WDT_WKEY);
        rtc.store(0, WDTCONFIG0, 0);
        assert_eq!(rtc.deadline(), Tick::MAX);
        rtc.store(0, WDTCONFIG1, RC_SLOW_HZ as u32);
        rtc.store(0, WDTCONFIG0, 1 << 31 | 4 << 28);
        assert_eq!(rtc.deadline(), 2 * TICKS_PER_SECOND);
        rtc.store(TICKS_PER_SECOND, WDTFEED, 1 << 31);
        assert_eq!(rtc.run(2 * TICKS_PER_SECOND), None);
        assert_eq!(rtc.run(3 * TICKS_PER_SECOND), Some(ResetCause::RtcWatchdogChip));
    }

    #[test]
    fn the_flashing_tools_watchdog_setting_resets_the_chip() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        rtc.store(0, WDTWPROTECT, WDT_WKEY);
        rtc.store(0, WDTCONFIG1, 2000);
        rtc.store(0, WDTCONFIG0, 1 << 31 | 5 << 28 | 1 << 8 | 2);
        rtc.store(0, WDTWPROTECT, 0);
        assert_eq!(rtc.run(TICKS_PER_SECOND / 10), Some(ResetCause::RtcWatchdogChip));
    }

    #[test]
    fn the_super_watchdog_works_once_taken_over_and_not_fed() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        rtc.store(0, WDTWPROTECT, WDT_WKEY);
        rtc.store(0, WDTCONFIG0, 0);
        rtc.store(0, SWD_WPROTECT, SWD_WKEY);
        rtc.store(0, SWD_CONF, 0x04B0_0000);
        assert_eq!(rtc.run(TICKS_PER_SECOND), Some(ResetCause::SuperWatchdog));
        rtc.store(TICKS_PER_SECOND, SWD_CONF, 1 << 31);
        assert_eq!(rtc.deadline(), Tick::MAX, "it feeds itself");
    }

    #[test]
    fn light_sleep_ends_at_the_alarm_with_its_cause() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        rtc.store(0, WAKEUP_STATE, wake::TIMER << 15);
        rtc.store(0, SLP_TIMER0, 1360);
        rtc.store(0, SLP_TIMER1, 1 << 16);
        rtc.store(0, STATE0, 1 << 31);
        assert!(rtc.wants_sleep());
        assert_eq!(rtc.fall_asleep(0, 0), Some(Sleep::Light));
        assert_eq!(rtc.deadline(), TICKS_PER_SECOND / 100);
        rtc.run(TICKS_PER_SECOND / 100);
        assert!(rtc.take_timer_passed() && !rtc.take_timer_passed());
        assert_eq!(rtc.wake(TICKS_PER_SECOND / 100, wake::GPIO), None, "not enabled");
        let (sleep, slept) = rtc.wake(TICKS_PER_SECOND / 100, wake::TIMER).unwrap();
        assert_eq!((sleep, slept), (Sleep::Light, TICKS_PER_SECOND / 100));
        assert_eq!((rtc.peek(SLP_WAKEUP_CAUSE), rtc.peek(INT_RAW) & 3), (wake::TIMER, SLP_WAKEUP_INT));
        assert!(!bit(rtc.peek(STATE0), 31) && !rtc.wants_sleep());
    }

    #[test]
    fn sleep_is_rejected_when_a_source_is_there_already() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        rtc.store(0, WAKEUP_STATE, wake::GPIO << 15);
        rtc.store(0, SLP_REJECT_CONF, 1 << 30);
        rtc.store(0, STATE0, 1 << 31);
        assert_eq!(rtc.fall_asleep(0, wake::GPIO), None);
        assert_eq!((rtc.peek(SLP_REJECT_CAUSE), rtc.peek(INT_RAW) & 3), (wake::GPIO, SLP_REJECT_INT));
        assert_eq!(rtc.sleep(), None);
    }

    #[test]
    fn an_rtc_pin_wakes_from_deep_sleep_by_its_level() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        rtc.store(0, DIG_PWC, 1 << 31);
        assert_eq!(rtc.sleep_asked(), Sleep::Deep);
        // GPIO3: enable bit 28, type in bits 16:14, 5 is high.
        rtc.store(0, GPIO_WAKEUP, 1 << 28 | 5 << 14);
        assert!(!rtc.pin_wakes(0) && rtc.pin_wakes(1 << 3) && !rtc.pin_wakes(1 << 2));
        rtc.note_wake_pins(1 << 3);
        assert_eq!(rtc.peek(GPIO_WAKEUP) & 0x3F, 1 << 2);
        rtc.store(0, GPIO_WAKEUP, 1 << 6);
        assert_eq!(rtc.peek(GPIO_WAKEUP) & 0x3F, 0);
        rtc.core_reset(5, ResetCause::DeepSleep);
        assert_eq!(rtc.peek(RESET_STATE) & 0x3F, 5);
    }

    #[test]
    fn the_timer_alarm_raises_its_interrupt_once() {
        let mut rtc = RtcCntl::new(0, ResetCause::PowerOn);
        rtc.store(0, WDTWPROTECT, WDT_WKEY);
        rtc.store(0, WDTCONFIG0, 0);
        rtc.store(0, INT_ENA, MAIN_TIMER_INT);
        rtc.store(0, SLP_TIMER0, 1360);
        rtc.store(0, SLP_TIMER1, 1 << 16);
        assert_eq!(rtc.deadline(), TICKS_PER_SECOND / 100);
        rtc.run(TICKS_PER_SECOND / 100);
        assert!(rtc.active());
        assert_eq!(rtc.deadline(), Tick::MAX);
    }
}
