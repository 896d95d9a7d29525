//! Parts that only show what the chip does at their pins: LEDs, and a buzzer that one hears. They
//! hang on no pin as devices do, so that fast pulse trains cost nothing: LEDC's come as one
//! [`Wave`], and those of programs as edges, which are measured here.
//!
//! An LED's brightness is the share of the last whole period, as long as edges keep coming; a pin
//! that rests for longer than the eye integrates (50 ms, 20 Hz) is simply on or off. A buzzer's pitch
//! is the frequency of its pin, silence outside 20 Hz to 20 kHz.
//!
//! Not modelled: current and resistors, colours, the eye's curve; loudness and the resonance of the
//! buzzer's disc; that a pin's pull-up lets an LED glow.

use emulator::bus::{TICKS_PER_SECOND, Tick};
use emulator::pins::{Drive, PinEvent, PinState, Wave};

use crate::shown::Shown;
use crate::time::from_ms;
use crate::wiring::Placed;

/// The longest period that looks steady.
const FLICKER: Tick = from_ms(50);
/// The shortest period that is heard.
const SHORTEST: Tick = TICKS_PER_SECOND / 20_000;

/// How the chip switches a pin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Modulation {
    lit: bool,
    /// LEDC's pulse train.
    wave: Option<Wave>,
    /// When it was lit last, and when that ended.
    rose: Option<Tick>,
    fell: Option<Tick>,
    /// The last whole period, from one rise to the next, and how long it was lit in that.
    period: Option<Tick>,
    high: Tick,
}

impl Modulation {
    fn set(&mut self, at: Tick, lit: bool, wave: Option<Wave>) {
        self.wave = wave;
        if lit == self.lit {
            return;
        }
        self.lit = lit;
        if !lit {
            self.fell = Some(at);
            return;
        }
        if let (Some(rose), Some(fell)) = (self.rose, self.fell)
            && fell >= rose
        {
            self.period = Some(at - rose).filter(|&period| period > 0);
            self.high = fell - rose;
        }
        self.rose = Some(at);
    }

    /// The last period of a program's own switching, if it still goes on at `now`.
    fn period(&self, now: Tick) -> Option<Tick> {
        let last = self.rose.max(self.fell)?;
        self.period.filter(|&period| period <= FLICKER && now.saturating_sub(last) <= FLICKER)
    }

    /// The share of the time that the pin is at `active`.
    fn duty_permille(&self, now: Tick, active: bool) -> u32 {
        if let Some(wave) = &self.wave {
            let high = u64::from(wave.high_counts.min(wave.counts)) * 1000 / u64::from(wave.counts.max(1));
            let share = if wave.inverted == active { 1000 - high } else { high };
            return u32::try_from(share).unwrap_or(0);
        }
        match self.period(now) {
            Some(period) => u32::try_from(self.high * 1000 / period).unwrap_or(1000),
            None => 1000 * u32::from(self.lit),
        }
    }

    fn frequency_mhz(&self, now: Tick) -> u64 {
        if let Some(wave) = &self.wave {
            let period = u128::from(wave.count_subticks) * u128::from(wave.counts);
            let audible = u128::from(SHORTEST) * 256..=u128::from(FLICKER) * 256;
            return if wave.is_alternating() && audible.contains(&period) {
                u64::try_from(u128::from(TICKS_PER_SECOND) * 1000 * 256 / period).unwrap_or(0)
            } else {
                0
            };
        }
        let period = self.period(now).filter(|&period| period >= SHORTEST);
        period.map_or(0, |period| TICKS_PER_SECOND * 1000 / period)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Look {
    Led,
    Rgb,
    Buzzer,
}

/// An LED, three of them in one case, or a buzzer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Lamp {
    look: Look,
    /// The level that lights it.
    active: bool,
    pins: Vec<(u8, Modulation)>,
}

impl Lamp {
    /// The lamp of a placed part; `None`: it is none.
    pub(crate) fn new(placed: &Placed) -> Option<Self> {
        let look = match placed.kind.name {
            "led" => Look::Led,
            "rgb-led" => Look::Rgb,
            "buzzer" => Look::Buzzer,
            _ => return None,
        };
        let active = look == Look::Buzzer || placed.setting("active") == 0;
        let pins = placed.pins.iter().flatten().map(|&pin| (pin, Modulation::default())).collect();
        Some(Self { look, active, pins })
    }

    fn set(&mut self, at: Tick, pin: u8, chip: Drive, wave: Option<Wave>) {
        let lit = chip == Drive::to(self.active);
        for (own, modulation) in &mut self.pins {
            if *own == pin {
                modulation.set(at, lit, wave);
            }
        }
    }

    /// How a pin stands when it is connected.
    pub(crate) fn connect(&mut self, at: Tick, pin: u8, state: &PinState) {
        self.set(at, pin, state.chip, state.wave);
    }

    pub(crate) fn event(&mut self, event: &PinEvent) {
        self.set(event.tick, event.pin, event.chip, event.wave);
    }

    pub(crate) fn shown(&self, now: Tick) -> Shown {
        let duty = |n: usize| self.pins.get(n).map_or(0, |(_, pin)| pin.duty_permille(now, self.active));
        let first = self.pins.first().map(|(_, pin)| pin);
        match self.look {
            Look::Led => {
                let lit = first.is_some_and(|pin| match &pin.wave {
                    Some(wave) => wave.level_at(now) == self.active,
                    None => pin.lit,
                });
                Shown::Light { lit, duty_permille: duty(0) }
            }
            Look::Rgb => Shown::Colour { red_permille: duty(0), green_permille: duty(1), blue_permille: duty(2) },
            Look::Buzzer => Shown::Sound { frequency_mhz: first.map_or(0, |pin| pin.frequency_mhz(now)) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::from_us;
    use crate::wiring::Draft;

    fn lamp(part: &str) -> Lamp {
        let draft: Draft = serde_json::from_str(&format!(r#"{{"parts":[{part}]}}"#)).expect("the test's part is JSON");
        Lamp::new(&draft.check().expect("a sound wiring").parts()[0]).expect("a lamp")
    }

    fn tell(lamp: &mut Lamp, tick: Tick, pin: u8, chip: Drive) {
        lamp.event(&PinEvent { tick, pin, level: chip == Drive::High, chip, wave: None });
    }

    #[test]
    fn an_led_is_lit_only_by_the_chip() {
        let mut led = lamp(r#"{"kind":"led","name":"l","pins":{"anode":7}}"#);
        for (chip, lit) in [(Drive::Low, false), (Drive::High, true), (Drive::PullUp, false), (Drive::Released, false)]
        {
            tell(&mut led, 0, 7, chip);
            assert_eq!(led.shown(0), Shown::Light { lit, duty_permille: 1000 * u32::from(lit) }, "{chip:?}");
        }
        let mut led = lamp(r#"{"kind":"led","name":"l","pins":{"anode":7},"active":"low"}"#);
        tell(&mut led, 0, 7, Drive::PullDown);
        assert_eq!(led.shown(0), Shown::Light { lit: false, duty_permille: 0 });
        tell(&mut led, 0, 7, Drive::Low);
        assert_eq!(led.shown(0), Shown::Light { lit: true, duty_permille: 1000 });
    }

    #[test]
    fn a_programs_switching_is_seen_as_brightness_until_it_stops() {
        let mut rgb = lamp(r#"{"kind":"rgb-led","name":"l","pins":{"red":5,"green":6,"blue":7}}"#);
        for n in 0..5 {
            tell(&mut rgb, from_us(1000 * n), 6, Drive::High);
            tell(&mut rgb, from_us(1000 * n + 250), 6, Drive::Low);
        }
        let green = |at| match rgb.shown(at) {
            Shown::Colour { red_permille: 0, green_permille, blue_permille: 0 } => green_permille,
            other => panic!("{other:?}"),
        };
        assert_eq!(green(from_us(4900)), 250);
        assert_eq!(green(from_us(60_000)), 0);
    }

    #[test]
    fn a_pulse_train_is_seen_and_heard_without_its_edges() {
        // 440 Hz of 100 counts, a quarter of them high.
        let count_subticks = TICKS_PER_SECOND * 256 / 44_000;
        let wave = Wave { start: 0, count_subticks, counts: 100, high_from: 0, high_counts: 25, inverted: false };
        let event = PinEvent { tick: 0, pin: 7, level: true, chip: Drive::High, wave: Some(wave) };
        let mut buzzer = lamp(r#"{"kind":"buzzer","name":"z","pins":{"in":7}}"#);
        buzzer.event(&event);
        assert_eq!(buzzer.shown(from_ms(2000)), Shown::Sound { frequency_mhz: 440_000 });
        for (active, duty) in [("high", 250), ("low", 750)] {
            let mut led = lamp(&format!(r#"{{"kind":"led","name":"l","pins":{{"anode":7}},"active":"{active}"}}"#));
            led.event(&event);
            assert!(matches!(led.shown(1), Shown::Light { duty_permille, .. } if duty_permille == duty));
        }
    }

    #[test]
    fn a_programs_pitch_is_heard_until_it_stops() {
        let mut buzzer = lamp(r#"{"kind":"buzzer","name":"z","pins":{"in":7}}"#);
        for n in 0..4 {
            tell(&mut buzzer, from_us(2000 * n), 7, Drive::High);
            tell(&mut buzzer, from_us(2000 * n + 1000), 7, Drive::Low);
        }
        assert_eq!(buzzer.shown(from_us(8000)), Shown::Sound { frequency_mhz: 500_000 });
        assert_eq!(buzzer.shown(from_us(90_000)), Shown::Sound { frequency_mhz: 0 });
    }
}
