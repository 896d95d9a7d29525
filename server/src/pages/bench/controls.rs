//! Controls as the page shows them: switches, lists and sliders with their ticks.

use serde_json::{Value, json};

use super::{ChoiceView, ControlView, Tick};
use course::Language;
use course::settings::{Range, Scale};
use course::{Control, Setting};

/// Options up to this number of characters, taken together, are shown side by side.
const SEGMENTS_CHARACTERS: usize = 64;
/// Where a decade has its label: not so near to an end that the two would run into each other on a narrow page.
const ROOM_BETWEEN_LABELS: std::ops::Range<f64> = 0.12..0.88;
/// Steps that a slider takes from one power of ten to the next (`Scale` in `web/js/log-scale.js`).
const STEPS_PER_DECADE: f64 = 20.0;

impl ControlView {
    pub(super) fn new(control: &Control, language: Language) -> Self {
        Self::set_to(control, &control.default, language)
    }

    /// The control at this setting.
    pub(in crate::pages) fn set_to(control: &Control, setting: &Setting, language: Language) -> Self {
        let mut view = Self {
            name: control.name.clone(),
            label: control.label.plain(language),
            style: "slider",
            scale: "linear",
            lo: 0,
            hi: 0,
            unit: String::new(),
            value: setting.to_string(),
            steps: 0,
            position: 0,
            ticks: Vec::new(),
            options: Vec::new(),
        };
        match &control.range {
            Range::Number { min, max, unit, scale } => {
                view.lo = *min;
                view.hi = *max;
                view.unit.clone_from(unit);
                if *scale == Scale::Log {
                    view.scale = "log";
                }
                let slider = Slider { lo: *min as f64, hi: *max as f64, log: *scale == Scale::Log };
                view.steps = slider.steps();
                if let Setting::Number(value) = setting {
                    view.position = (slider.part(*value as f64) * view.steps as f64).round() as i64;
                }
                view.ticks = slider.ticks(unit);
            }
            Range::Choice { options } => {
                view.options = options
                    .iter()
                    .map(|option| {
                        let source = option.label.source(language);
                        ChoiceView {
                            value: option.value.clone(),
                            label: option.label.plain(language),
                            code: source.starts_with('`') && source.ends_with('`'),
                            chosen: *setting == Setting::Text(option.value.clone()),
                        }
                    })
                    .collect();
                let characters: usize = view.options.iter().map(|option| width_of(&option.label)).sum();
                view.style = if characters <= SEGMENTS_CHARACTERS { "segments" } else { "select" };
            }
        }
        view
    }
}

/// Width of a label in Latin letters; a Japanese one is two wide.
fn width_of(label: &str) -> usize {
    label.chars().map(|character| if character.is_ascii() { 1 } else { 2 }).sum()
}

/// A linear slider over so few numbers has a tick for each.
const TICKS_FOR_EACH: f64 = 20.0;

/// A slider from `lo` to `hi`, as `Scale` in `web/js/log-scale.js` divides it.
struct Slider {
    lo: f64,
    hi: f64,
    log: bool,
}

impl Slider {
    fn steps(&self) -> i64 {
        let steps = if self.log {
            ((self.hi / self.lo).log10() * STEPS_PER_DECADE).round()
        } else {
            (self.hi - self.lo).min(100.0)
        };
        steps.max(1.0) as i64
    }

    /// Where a value lies, 0 to 1.
    fn part(&self, value: f64) -> f64 {
        if self.log {
            (value / self.lo).ln() / (self.hi / self.lo).ln()
        } else {
            (value - self.lo) / (self.hi - self.lo)
        }
    }

    fn ticks(&self, unit: &str) -> Vec<Tick> {
        let tick = |value: f64, length: u32, label: String| Tick {
            at: format!("{:.2}%", self.part(value) * 100.0),
            length,
            label,
        };
        let with_unit = |value: f64| format!("{} {unit}", short(value)).trim_end().to_owned();
        let mut ticks = Vec::new();
        if self.log {
            let mut decade = 10_f64.powf(self.lo.log10().floor());
            while decade <= self.hi {
                for digit in 1..10 {
                    let value = decade * f64::from(digit);
                    if value < self.lo || value > self.hi {
                        continue;
                    }
                    let label = match value {
                        value if value == self.lo => with_unit(value),
                        value if value == self.hi => short(value),
                        value if digit == 1 && ROOM_BETWEEN_LABELS.contains(&self.part(value)) => short(value),
                        _ => String::new(),
                    };
                    ticks.push(tick(value, if digit == 1 { 9 } else { 5 }, label));
                }
                decade *= 10.0;
            }
            if ticks.last().is_none_or(|last| last.at != "100.00%") {
                ticks.push(tick(self.hi, 9, short(self.hi)));
            }
        } else if self.hi - self.lo <= TICKS_FOR_EACH {
            let mut value = self.lo;
            while value <= self.hi {
                let label = match value {
                    value if value == self.lo => with_unit(value),
                    value if value == self.hi => short(value),
                    _ => String::new(),
                };
                ticks.push(tick(value, if label.is_empty() { 5 } else { 9 }, label));
                value += 1.0;
            }
        } else {
            for quarter in 0..=4 {
                let value = self.lo + (self.hi - self.lo) * f64::from(quarter) / 4.0;
                let label = match quarter {
                    0 => with_unit(value),
                    2 | 4 => short(value),
                    _ => String::new(),
                };
                ticks.push(tick(value, if quarter % 2 == 0 { 9 } else { 5 }, label));
            }
        }
        ticks
    }
}

/// A round number in few characters: `10 k`.
fn short(value: f64) -> String {
    if value >= 1000.0 && value % 1000.0 == 0.0 {
        format!("{} k", value / 1000.0)
    } else {
        format!("{}", value.round())
    }
}

pub(super) fn control_data(control: &Control, language: Language) -> Value {
    let (unit, options) = match &control.range {
        Range::Number { unit, .. } => (unit.as_str(), Vec::new()),
        Range::Choice { options } => (
            "",
            options
                .iter()
                .map(|option| json!({ "value": option.value, "label": option.label.plain(language) }))
                .collect(),
        ),
    };
    json!({ "name": control.name, "label": control.label.plain(language), "unit": unit, "value": control.default, "options": options })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logarithmic_slider_has_its_decades_and_ends() {
        let slider = Slider { lo: 10.0, hi: 20_000.0, log: true };
        let labels: Vec<_> =
            slider.ticks("Hz").into_iter().map(|tick| tick.label).filter(|label| !label.is_empty()).collect();
        assert_eq!(labels, ["10 Hz", "100", "1 k", "20 k"]);
        assert_eq!(slider.steps(), 66);
        assert_eq!(slider.part(10.0), 0.0);
        assert_eq!(slider.part(20_000.0), 1.0);
    }

    #[test]
    fn a_linear_slider_has_quarters() {
        let slider = Slider { lo: 0.0, hi: 2000.0, log: false };
        let labels: Vec<_> =
            slider.ticks("us").into_iter().map(|tick| tick.label).filter(|label| !label.is_empty()).collect();
        assert_eq!(labels, ["0 us", "1 k", "2 k"]);
        assert_eq!(slider.steps(), 100);
        assert_eq!(Slider { lo: 1.0, hi: 12.0, log: false }.ticks("").len(), 12);
    }
}
