//! LED PWM controller, LEDC (TRM, chapter "LED PWM Controller"): four timers and six channels. Outputs
//! are kept as pulse trains in closed form ([`Wave`]), so that a dimmed LED costs nothing; single edges
//! are planned only for pins at which something depends on them.

use super::{Interrupts, Registers, bit, field};
use crate::bus::{TICKS_PER_SECOND, Tick};
use crate::clock::{Clocks, Moment, XTAL_TICKS};
use crate::pins::Wave;

/// Channels, and the output signals of the GPIO matrix that go with them.
pub(crate) const CHANNELS: usize = 6;
const CHANNEL_SPAN: u32 = 0x14;
const CHANNEL_END: u32 = CHANNEL_SPAN * CHANNELS as u32;
const CONF0: u32 = 0x00;
const HPOINT: u32 = 0x04;
const DUTY: u32 = 0x08;
const CONF1: u32 = 0x0C;
const DUTY_R: u32 = 0x10;

const TIMERS: usize = 4;
const TIMER0: u32 = 0x0A0;
const TIMER_SPAN: u32 = 8;
const TIMER_END: u32 = TIMER0 + TIMER_SPAN * TIMERS as u32;

const INT_RAW: u32 = 0x0C0;
const INT_ST: u32 = 0x0C4;
const INT_ENA: u32 = 0x0C8;
const INT_CLR: u32 = 0x0CC;
const CONF: u32 = 0x0D0;

const FADE_INT: u32 = 4;
const OVF_CNT_INT: u32 = 10;
/// Ticks per cycle of the fast RC oscillator, as in SYSTEM.
const RC_FAST_TICKS: u32 = 27;
/// Ticks per cycle of REF_TICK, 1 MHz.
const REF_TICKS: u32 = (TICKS_PER_SECOND / 1_000_000) as u32;

/// A timer: a counter in closed form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Timer {
    /// When the counter stood at 0, and the overflow count with it.
    start: Tick,
    /// Where a timer that does not run stands.
    held: Option<u32>,
    count_subticks: u64,
    counts: u32,
    /// Overflows since `start` that have been seen to.
    seen: u64,
}

impl Timer {
    fn wave(&self) -> Wave {
        Wave {
            start: self.start,
            count_subticks: self.count_subticks.max(1),
            counts: self.counts,
            high_from: 0,
            high_counts: 0,
            inverted: false,
        }
    }

    fn count(&self, now: Tick) -> u32 {
        self.held.unwrap_or_else(|| self.wave().count_at(now))
    }

    fn next_overflow(&self) -> Tick {
        if self.held.is_some() { Tick::MAX } else { self.wave().period_start(self.seen.saturating_add(1)) }
    }
}

/// A change of duty in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Fade {
    steps: u32,
    periods_per_step: u32,
    periods_left: u32,
    /// In whole counts per step.
    change: i64,
}

/// What a channel does now; its registers hold what it is to do next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Channel {
    timer: usize,
    enabled: bool,
    idle_level: bool,
    hpoint: u32,
    /// In sixteenths of a count.
    duty: u32,
    fade: Option<Fade>,
    /// PARA_UP or DUTY_START was written: the registers are taken over at the next overflow.
    update: bool,
    start_fade: bool,
    overflows: u32,
}

/// The LEDC block at 0x6001_9000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Ledc {
    registers: Registers<0x40>,
    timers: [Timer; TIMERS],
    channels: [Channel; CHANNELS],
    interrupts: Interrupts,
}

impl Ledc {
    pub(crate) fn new() -> Self {
        let mut registers = Registers::new(&[(0xFC, 0x1906_1700)]);
        for channel in 0..CHANNELS as u32 {
            registers.set(channel * CHANNEL_SPAN + CONF1, 1 << 30);
        }
        for timer in 0..TIMERS as u32 {
            registers.set(TIMER0 + timer * TIMER_SPAN, 1 << 23);
        }
        let timer = Timer { start: 0, held: Some(0), count_subticks: 1, counts: 1, seen: 0 };
        Self { registers, timers: [timer; TIMERS], channels: Default::default(), interrupts: Interrupts::default() }
    }

    /// Whether the interrupt source is active.
    pub(crate) fn active(&self) -> bool {
        self.interrupts.active()
    }

    // ---- outputs ------------------------------------------------------------------------------

    /// The pulse train of a channel; `None` while its output stands still.
    pub(crate) fn wave(&self, channel: usize) -> Option<Wave> {
        let channel = self.channels.get(channel)?;
        let timer = self.timers.get(channel.timer)?;
        (channel.enabled && timer.held.is_none()).then(|| Wave {
            high_from: channel.hpoint % timer.counts,
            high_counts: (channel.duty >> 4).min(timer.counts),
            ..timer.wave()
        })
    }

    /// The level of a channel's output.
    pub(crate) fn level(&self, channel: usize, now: Tick) -> bool {
        if let Some(wave) = self.wave(channel) {
            return wave.level_at(now);
        }
        let Some(channel) = self.channels.get(channel) else { return false };
        let Some(timer) = self.timers.get(channel.timer).filter(|_| channel.enabled) else {
            return channel.idle_level;
        };
        let into = (timer.count(0) + timer.counts - channel.hpoint % timer.counts) % timer.counts;
        into < channel.duty >> 4
    }

    // ---- time ---------------------------------------------------------------------------------

    /// When something changes that has to be seen to; `edges` has a bit for each channel whose single
    /// edges matter.
    pub(crate) fn deadline(&self, now: Tick, edges: u32) -> Tick {
        let mut due = Tick::MAX;
        for (n, timer) in self.timers.iter().enumerate() {
            let counted = |channel: &Channel, number: usize| {
                channel.timer == n
                    && (channel.update
                        || channel.fade.is_some()
                        || bit(self.registers.get(number as u32 * CHANNEL_SPAN + CONF0), 15)
                            && bit(self.interrupts.enabled, OVF_CNT_INT + number as u32))
            };
            let watched = bit(self.interrupts.enabled, n as u32)
                || self.channels.iter().enumerate().any(|(number, channel)| counted(channel, number));
            if watched {
                due = due.min(timer.next_overflow());
            }
        }
        for channel in (0..CHANNELS).filter(|&channel| bit(edges, channel as u32)) {
            due = due.min(self.wave(channel).map_or(Tick::MAX, |wave| wave.next_edge(now)));
        }
        due
    }

    /// Lets everything happen that was due at overflows until now.
    pub(crate) fn run(&mut self, now: Tick) {
        for n in 0..TIMERS {
            let timer = self.timers[n];
            if timer.held.is_some() {
                continue;
            }
            let periods = timer.wave().periods_at(now);
            if periods > timer.seen {
                self.timers[n].seen = periods;
                self.interrupts.raw |= 1 << n;
                self.overflow(n, periods - timer.seen);
            }
        }
    }

    fn overflow(&mut self, timer: usize, overflows: u64) {
        for number in 0..CHANNELS {
            // Each channel takes over by itself.
            let mut times = overflows;
            if self.channels[number].timer != timer && !self.takes_over(number, timer) {
                continue;
            }
            self.count_overflows(number, times);
            if self.channels[number].update {
                self.take_over(number);
                times = times.saturating_sub(1);
            }
            self.fade(number, times);
        }
    }

    /// Whether a channel is about to go over to this timer.
    fn takes_over(&self, number: usize, timer: usize) -> bool {
        let conf = self.registers.get(number as u32 * CHANNEL_SPAN + CONF0);
        self.channels[number].update && field(conf, 0, 1) as usize == timer
    }

    fn count_overflows(&mut self, number: usize, times: u64) {
        let conf = self.registers.get(number as u32 * CHANNEL_SPAN + CONF0);
        if !bit(conf, 15) {
            return;
        }
        let goal = field(conf, 5, 14) + 1;
        let counted = u64::from(self.channels[number].overflows).saturating_add(times);
        if counted >= u64::from(goal) {
            self.interrupts.raw |= 1 << (OVF_CNT_INT + number as u32);
        }
        self.channels[number].overflows = (counted % u64::from(goal)) as u32;
    }

    /// Takes a channel's registers over.
    fn take_over(&mut self, number: usize) {
        let base = number as u32 * CHANNEL_SPAN;
        let conf = self.registers.get(base + CONF0);
        let channel = &mut self.channels[number];
        channel.update = false;
        channel.timer = field(conf, 0, 1) as usize;
        channel.enabled = bit(conf, 2);
        channel.idle_level = bit(conf, 3);
        channel.hpoint = field(self.registers.get(base + HPOINT), 0, 13);
        if std::mem::take(&mut channel.start_fade) {
            channel.duty = field(self.registers.get(base + DUTY), 0, 18);
            let fade = self.registers.get(base + CONF1);
            let steps = field(fade, 20, 29);
            let scale = i64::from(field(fade, 0, 9));
            let periods_per_step = field(fade, 10, 19).max(1);
            channel.fade = Some(Fade {
                steps,
                periods_per_step,
                periods_left: periods_per_step,
                change: if bit(fade, 30) { scale } else { -scale },
            });
        }
    }

    /// Goes on with a fade for a number of periods.
    fn fade(&mut self, number: usize, mut periods: u64) {
        let channel = &mut self.channels[number];
        let Some(mut fade) = channel.fade else { return };
        while fade.steps > 0 && periods >= u64::from(fade.periods_left) {
            periods -= u64::from(fade.periods_left);
            fade.periods_left = fade.periods_per_step;
            fade.steps -= 1;
            let duty = i64::from(channel.duty) + 16 * fade.change;
            channel.duty = duty.clamp(0, 0x7_FFFF) as u32;
        }
        fade.periods_left = fade.periods_left.saturating_sub(u32::try_from(periods).unwrap_or(u32::MAX)).max(1);
        channel.fade = (fade.steps > 0).then_some(fade);
        if fade.steps == 0 {
            self.interrupts.raw |= 1 << (FADE_INT + number as u32);
            let base = number as u32 * CHANNEL_SPAN;
            let conf1 = self.registers.get(base + CONF1) & !(1 << 31);
            self.registers.set(base + CONF1, conf1);
        }
    }

    /// Sets a timer as its registers and the clocks say; the counter goes on from where it stands.
    fn set_timer(&mut self, at: Moment, n: usize) {
        let conf = self.registers.get(TIMER0 + n as u32 * TIMER_SPAN);
        let source = match field(self.registers.get(CONF), 0, 1) {
            _ if bit(conf, 24) => REF_TICKS,
            1 => at.clocks.apb,
            2 => RC_FAST_TICKS,
            3 => XTAL_TICKS,
            _ => 0,
        };
        let timer = &mut self.timers[n];
        let (reset, paused) = (bit(conf, 23), bit(conf, 22));
        let count = if reset { 0 } else { timer.count(at.now) };
        let count_subticks = u64::from(field(conf, 4, 21)) * u64::from(source);
        let counts = 1 << field(conf, 0, 3).min(14);
        let stands = reset || paused || count_subticks == 0;
        let same = timer.count_subticks == count_subticks && timer.counts == counts;
        if same && timer.held.is_none() && !stands {
            return;
        }
        let count = count % counts;
        timer.count_subticks = count_subticks;
        timer.counts = counts;
        timer.held = stands.then_some(count);
        let behind = (u128::from(count) * u128::from(count_subticks)).div_ceil(256);
        // A counter that would have begun before the machine was switched on begins anew.
        timer.start = u64::try_from(behind).ok().and_then(|behind| at.now.checked_sub(behind)).unwrap_or(at.now);
        timer.seen = timer.wave().periods_at(at.now);
        if stands {
            // Without overflows to wait for, settings are taken over at once.
            for number in 0..CHANNELS {
                if self.channels[number].update && self.channels[number].timer == n {
                    self.take_over(number);
                }
            }
        }
    }

    /// Follows a change of the clocks.
    pub(crate) fn clocks_changed(&mut self, now: Tick, clocks: Clocks) {
        self.run(now);
        for n in 0..TIMERS {
            self.set_timer(Moment { now, clocks }, n);
        }
    }

    // ---- registers ----------------------------------------------------------------------------

    pub(crate) fn peek(&self, now: Tick, offset: u32) -> u32 {
        match offset {
            INT_RAW | INT_ST => {
                let overflowed = (0..TIMERS).filter(|&n| self.timers[n].next_overflow() <= now);
                let raw = overflowed.fold(self.interrupts.raw, |raw, n| raw | 1 << n);
                if offset == INT_ST { raw & self.interrupts.enabled } else { raw }
            }
            INT_ENA => self.interrupts.enabled,
            INT_CLR => 0,
            TIMER0..TIMER_END if !(offset - TIMER0).is_multiple_of(TIMER_SPAN) => {
                self.timers[((offset - TIMER0) / TIMER_SPAN) as usize].count(now)
            }
            0..CHANNEL_END if offset % CHANNEL_SPAN == DUTY_R => self.channels[(offset / CHANNEL_SPAN) as usize].duty,
            _ => self.registers.get(offset),
        }
    }

    pub(crate) fn store(&mut self, at: Moment, offset: u32, value: u32) {
        self.run(at.now);
        match offset {
            INT_ENA => self.interrupts.enabled = value & 0xFFFF,
            INT_CLR => self.interrupts.raw &= !value,
            INT_RAW | INT_ST => {}
            CONF => {
                self.registers.set(offset, value);
                for n in 0..TIMERS {
                    self.set_timer(at, n);
                }
            }
            TIMER0..TIMER_END => {
                if (offset - TIMER0).is_multiple_of(TIMER_SPAN) {
                    // PARA_UP is a command.
                    self.registers.set(offset, value & !(1 << 25));
                    self.set_timer(at, ((offset - TIMER0) / TIMER_SPAN) as usize);
                }
            }
            0..CHANNEL_END => self.store_channel(offset, value),
            _ => self.registers.set(offset, value),
        }
    }

    fn store_channel(&mut self, offset: u32, value: u32) {
        let number = (offset / CHANNEL_SPAN) as usize;
        match offset % CHANNEL_SPAN {
            CONF0 => {
                // PARA_UP and OVF_CNT_RESET are commands.
                self.registers.set(offset, value & !(1 << 4 | 1 << 16));
                if bit(value, 16) {
                    self.channels[number].overflows = 0;
                }
                if bit(value, 4) {
                    self.update(number);
                }
            }
            CONF1 => {
                self.registers.set(offset, value);
                if bit(value, 31) {
                    self.channels[number].start_fade = true;
                    self.channels[number].fade = None;
                }
            }
            DUTY_R => {}
            _ => self.registers.set(offset, value),
        }
    }

    fn update(&mut self, number: usize) {
        self.channels[number].update = true;
        let timer = field(self.registers.get(number as u32 * CHANNEL_SPAN + CONF0), 0, 1) as usize;
        if !self.channels[number].enabled {
            // Nothing is put out yet that would be cut short.
            self.channels[number].timer = timer;
        }
        if self.timers[self.channels[number].timer].held.is_some() {
            self.take_over(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MHZ_80: Clocks = Clocks { cpu: 3, apb: 6 };

    fn at(now: Tick) -> Moment {
        Moment { now, clocks: MHZ_80 }
    }

    /// Timer 0 at 1 kHz over 1024 counts, channel 0 at a quarter.
    fn one_kilohertz() -> Ledc {
        let mut ledc = Ledc::new();
        ledc.store(at(0), CONF, 1);
        ledc.store(at(0), TIMER0, 20_000 << 4 | 10);
        ledc.store(at(0), DUTY, 256 << 4);
        ledc.store(at(0), CONF1, 1 << 31 | 1 << 30 | 1 << 20 | 1 << 10);
        ledc.store(at(0), CONF0, 1 << 2 | 1 << 4);
        ledc
    }

    const PERIOD: Tick = 480_000;

    #[test]
    fn settings_are_taken_over_at_the_overflow_and_make_a_pulse_train() {
        let mut ledc = one_kilohertz();
        assert_eq!(ledc.wave(0), None, "not before the overflow");
        assert_eq!(ledc.deadline(0, 0), PERIOD);
        ledc.run(PERIOD);
        let wave = ledc.wave(0).unwrap();
        assert_eq!((wave.period_ticks(), wave.duty()), (480_000.0, 0.25));
        assert!(ledc.level(0, PERIOD) && !ledc.level(0, PERIOD + PERIOD / 4));
        assert_eq!(ledc.peek(PERIOD, DUTY_R), 256 << 4);
    }

    #[test]
    fn edges_are_planned_only_where_they_matter() {
        let mut ledc = one_kilohertz();
        ledc.run(PERIOD);
        ledc.run(2 * PERIOD);
        assert_eq!(ledc.deadline(2 * PERIOD, 0), Tick::MAX);
        assert_eq!(ledc.deadline(2 * PERIOD, 1), 2 * PERIOD + PERIOD / 4);
        ledc.store(at(2 * PERIOD), INT_ENA, 1);
        assert_eq!(ledc.deadline(2 * PERIOD, 0), 3 * PERIOD);
        ledc.store(at(2 * PERIOD), INT_CLR, u32::MAX);
        assert!(!ledc.active());
        ledc.run(3 * PERIOD);
        assert!(ledc.active());
    }

    #[test]
    fn a_fade_ends_at_its_last_step_with_its_interrupt() {
        let mut ledc = one_kilohertz();
        ledc.run(PERIOD);
        let now = PERIOD + 5;
        ledc.store(at(now), INT_CLR, u32::MAX);
        // Eight steps of two counts, every third period.
        ledc.store(at(now), CONF1, 1 << 31 | 1 << 30 | 8 << 20 | 3 << 10 | 2);
        ledc.store(at(now), CONF0, 1 << 2 | 1 << 4);
        for period in 2..60 {
            ledc.run(period * PERIOD);
            let done = bit(ledc.peek(period * PERIOD, INT_RAW), FADE_INT);
            assert_eq!(done, period >= 2 + 24, "period {period}");
        }
        assert_eq!(ledc.peek(60 * PERIOD, DUTY_R), (256 + 16) << 4);
        assert!(!bit(ledc.peek(60 * PERIOD, CONF1), 31));
    }

    #[test]
    fn skipping_ahead_comes_to_the_same() {
        let mut stepped = one_kilohertz();
        stepped.store(at(0), CONF1, 1 << 31 | 1 << 30 | 100 << 20 | 7 << 10 | 3);
        let mut jumped = stepped.clone();
        for period in 1..500 {
            stepped.run(period * PERIOD);
        }
        jumped.run(499 * PERIOD);
        assert_eq!(stepped.channels, jumped.channels);
    }

    #[test]
    fn pausing_holds_the_count_and_going_on_continues() {
        let mut ledc = one_kilohertz();
        ledc.run(PERIOD);
        let middle = PERIOD + PERIOD / 8;
        ledc.store(at(middle), TIMER0, 20_000 << 4 | 10 | 1 << 22);
        assert_eq!((ledc.wave(0), ledc.level(0, middle)), (None, true));
        assert_eq!(ledc.peek(9 * PERIOD, TIMER0 + 4), 128);
        ledc.store(at(5 * PERIOD), TIMER0, 20_000 << 4 | 10);
        assert_eq!(ledc.peek(5 * PERIOD + PERIOD / 8, TIMER0 + 4), 256);
    }

    #[test]
    fn overflows_are_counted_per_channel() {
        let mut ledc = one_kilohertz();
        ledc.store(at(0), CONF0, 1 << 2 | 1 << 4 | 1 << 15 | 4 << 5);
        ledc.store(at(0), INT_ENA, 1 << OVF_CNT_INT);
        for period in 1..5 {
            ledc.run(period * PERIOD);
            assert!(!ledc.active(), "period {period}");
        }
        ledc.run(5 * PERIOD);
        assert!(ledc.active());
    }

    #[test]
    fn the_wave_follows_the_clock() {
        let mut ledc = one_kilohertz();
        ledc.run(PERIOD);
        ledc.clocks_changed(PERIOD, Clocks { cpu: 12, apb: 12 });
        assert_eq!(ledc.wave(0).unwrap().period_ticks(), 960_000.0);
    }
}
