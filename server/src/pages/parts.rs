//! The parts on the pins, as the page shows them.

use course::words::parts as words;
use course::{Language, Lesson};
use parts::Placed;
use parts::catalogue::{Allowed, Control, KINDS, Kind};
use serde_json::{Value, json};

/// A span of values that a slider still divides well; what is wider gets a field.
const SLIDER_SPAN: i64 = 250_000;

/// The catalogue of parts, as the workshop's editor and its cards need it.
pub(super) fn kinds(language: Language) -> Vec<Value> {
    let controls = |kind: &'static Kind| -> Vec<Value> {
        let shown = kind.controls.iter().filter(|control| !is_hidden(kind, control));
        let views = shown.map(|control| {
            // A knob's button needs its pin.
            let needs = if kind.name == "encoder" && control.key == "pressed" { "push" } else { "" };
            let usual = kind.settings.iter().find(|setting| setting.key == control.key);
            let usual = usual.and_then(|setting| match setting.allowed {
                Allowed::Amount { default, .. } => Some(default),
                Allowed::Choice(_) => None,
            });
            let PartControlView { key, label, style, min, max, value, unit } =
                PartControlView::new(control, usual, language);
            json!({
                "key": key, "label": label, "style": style, "min": min, "max": max, "value": value, "unit": unit,
                "needs": needs,
            })
        });
        views.collect()
    };
    let kinds = KINDS.iter().map(|kind| {
        json!({
            "name": kind.name,
            "label": words::kind(kind, language),
            "roles": kind.roles,
            "settings": kind.settings,
            "controls": controls(kind),
        })
    });
    kinds.collect()
}

/// A knob is turned by steps; how fast is a setting.
fn is_hidden(kind: &Kind, control: &Control) -> bool {
    kind.name == "encoder" && control.key == "step_us"
}

/// One part.
#[derive(Debug)]
pub(super) struct PartView {
    pub(super) name: String,
    /// The catalogue's name, by which the script draws it.
    pub(super) kind: &'static str,
    pub(super) label: &'static str,
    pub(super) pins: Vec<PinView>,
    pub(super) controls: Vec<PartControlView>,
}

#[derive(Debug)]
pub(super) struct PinView {
    pub(super) role: &'static str,
    pub(super) gpio: u8,
}

#[derive(Debug)]
pub(super) struct PartControlView {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    /// `hold`, `toggle`, `send`, `turn`, `enter`, `slider` or `number`.
    pub(super) style: &'static str,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) value: i64,
    pub(super) unit: &'static str,
}

/// The parts of a lesson, in the order of its wiring.
pub(super) fn parts(lesson: &Lesson, language: Language) -> Vec<PartView> {
    lesson.wiring.parts().iter().map(|placed| PartView::new(placed, language)).collect()
}

impl PartView {
    fn new(placed: &Placed, language: Language) -> Self {
        let Kind { name, roles, controls, .. } = placed.kind;
        let connected =
            |role: &str| roles.iter().zip(&placed.pins).any(|(known, pin)| known.key == role && pin.is_some());
        // A knob whose button hangs on no pin has none to press.
        let movable = controls.iter().filter(|control| {
            !is_hidden(placed.kind, control) && (*name != "encoder" || control.key != "pressed" || connected("push"))
        });
        let pins =
            roles.iter().zip(&placed.pins).filter_map(|(role, pin)| Some(PinView { role: role.key, gpio: (*pin)? }));
        Self {
            name: placed.name.clone(),
            kind: name,
            label: words::kind(placed.kind, language),
            pins: pins.collect(),
            controls: movable
                .map(|control| {
                    // A control named like a setting begins where that stands.
                    let mut settings = placed.kind.settings.iter().zip(&placed.settings);
                    let begin = settings.find_map(|(setting, &value)| match setting.key {
                        key if key == control.key => Some(value),
                        // Its words are "running" and "stopped".
                        "at_start" if control.key == "running" => Some(i64::from(value == 0)),
                        _ => None,
                    });
                    PartControlView::new(control, begin, language)
                })
                .collect(),
        }
    }
}

impl PartControlView {
    fn new(control: &'static Control, begin: Option<i64>, language: Language) -> Self {
        let Control { key, min, max, event } = *control;
        let style = match (key, event) {
            ("pressed", _) => "hold",
            ("turn_steps", _) => "turn",
            ("code", _) => "enter",
            (_, true) => "send",
            (_, false) if (min, max) == (0, 1) => "toggle",
            (_, false) if max - min <= SLIDER_SPAN => "slider",
            _ => "number",
        };
        // A generator runs and a receiver has its fix from the beginning, if nobody says otherwise.
        let value = begin.unwrap_or(i64::from(matches!(key, "running" | "fix")));
        Self {
            key,
            label: words::control(control, language),
            style,
            min,
            max,
            value: value.clamp(min, max),
            unit: words::unit(control),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_begin_where_the_parts_do() {
        let begins = |part: Value| {
            let draft: parts::Draft = serde_json::from_value(json!({ "parts": [part] })).unwrap();
            let view = PartView::new(&draft.check().unwrap().parts()[0], Language::En);
            view.controls.iter().map(|control| (control.key, control.style, control.value)).collect::<Vec<_>>()
        };
        let gps = begins(json!({ "kind": "gps", "name": "g", "pins": { "tx": 5 }, "latitude_udeg": 7 }));
        assert_eq!(gps[..2], [("fix", "toggle", 1), ("latitude_udeg", "number", 7)]);
        let pulses = json!({ "kind": "pulses", "name": "p", "pins": { "out": 5 } });
        assert_eq!(begins(pulses.clone())[0], ("running", "toggle", 1));
        let mut stopped = pulses;
        stopped["at_start"] = "stopped".into();
        assert_eq!(begins(stopped)[0], ("running", "toggle", 0));
        let remote = begins(json!({ "kind": "nec-receiver", "name": "r", "pins": { "out": 5 } }));
        assert_eq!(remote, [("code", "enter", 0), ("repeats", "send", 1)]);
    }
}
