//! The controls of a lesson, and the settings of a run.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::text::Text;

/// The value of one control.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// Of a number control.
    Number(i64),
    /// Of a choice: one of its options.
    Text(String),
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Settings by the name of their control.
pub type Settings = BTreeMap<String, Setting>;

/// One control on the bench. Every control works while the program runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Control {
    /// The name by which pages, files, command line and `lab.get` know it.
    pub name: String,
    /// What the page calls it.
    pub label: Text,
    /// What it accepts.
    #[serde(flatten)]
    pub range: Range,
    /// Its value when the lesson is opened.
    pub default: Setting,
}

/// What a control accepts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "range", rename_all = "snake_case")]
pub enum Range {
    /// A whole number.
    Number {
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
        /// Unit, empty for a count.
        unit: String,
        /// How its slider is divided.
        scale: Scale,
    },
    /// One of several options.
    Choice {
        /// The options, in the order of the page.
        options: Vec<ChoiceOption>,
    },
}

/// How a slider is divided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// Equal steps.
    #[default]
    Linear,
    /// Equal ratios.
    Log,
}

/// One option of a choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceOption {
    /// What the program gets from `lab.get`.
    pub value: String,
    /// What the page calls it; Markdown, so that names of code are set as code.
    pub label: Text,
}

/// Why a setting was refused.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SettingError {
    /// The lesson has no such control.
    #[error("this lesson has no control `{name}`; it has {known}")]
    UnknownControl {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// A number beyond the ends of the control.
    #[error("`{name}` = {value} is out of range; it goes from {min} to {max}")]
    OutOfRange {
        /// The control.
        name: String,
        /// The value asked for.
        value: i64,
        /// Smallest value.
        min: i64,
        /// Largest value.
        max: i64,
    },
    /// Not an option of the control.
    #[error("`{name}` = {value} is no option; it has {known}")]
    UnknownOption {
        /// The control.
        name: String,
        /// The value asked for.
        value: String,
        /// The options there are.
        known: String,
    },
}

impl SettingError {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownControl { .. } => "control-unknown",
            Self::OutOfRange { .. } => "control-out-of-range",
            Self::UnknownOption { .. } => "control-option-unknown",
        }
    }
}

impl Control {
    /// Accepts a value for this control.
    ///
    /// # Errors
    /// A number out of range, or something that is none of the options.
    pub fn accept(&self, value: &Setting) -> Result<(), SettingError> {
        match (&self.range, value) {
            (Range::Number { min, max, .. }, Setting::Number(number)) => {
                if (min..=max).contains(&number) {
                    return Ok(());
                }
                Err(SettingError::OutOfRange { name: self.name.clone(), value: *number, min: *min, max: *max })
            }
            (Range::Choice { options }, Setting::Text(text)) if options.iter().any(|option| option.value == *text) => {
                Ok(())
            }
            (range, value) => Err(SettingError::UnknownOption {
                name: self.name.clone(),
                value: value.to_string(),
                known: range.to_string(),
            }),
        }
    }

    /// Reads a value for this control from text, as the command line gives it.
    ///
    /// # Errors
    /// As [`accept`](Self::accept).
    pub fn read(&self, text: &str) -> Result<Setting, SettingError> {
        let value = match (&self.range, text.parse()) {
            (Range::Number { .. }, Ok(number)) => Setting::Number(number),
            _ => Setting::Text(text.to_owned()),
        };
        self.accept(&value).map(|()| value)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number { min, max, .. } => write!(f, "{min}..{max}"),
            Self::Choice { options } => {
                let values: Vec<_> = options.iter().map(|option| option.value.as_str()).collect();
                f.write_str(&values.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate() -> Control {
        Control {
            name: "rate".to_owned(),
            label: Text { en: "Rate".to_owned(), ja: "頻度".to_owned() },
            range: Range::Number { min: 10, max: 20_000, unit: "Hz".to_owned(), scale: Scale::Log },
            default: Setting::Number(1000),
        }
    }

    fn kind() -> Control {
        let option = |value: &str| ChoiceOption {
            value: value.to_owned(),
            label: Text { en: value.to_owned(), ja: value.to_owned() },
        };
        Control {
            name: "kind".to_owned(),
            label: Text { en: "ISR kind".to_owned(), ja: "ISR の種類".to_owned() },
            range: Range::Choice { options: vec![option("hard"), option("soft")] },
            default: Setting::Text("soft".to_owned()),
        }
    }

    #[test]
    fn values_are_read_and_refused_with_the_way_out() {
        assert_eq!(rate().read("200"), Ok(Setting::Number(200)));
        assert_eq!(kind().read("hard"), Ok(Setting::Text("hard".to_owned())));
        assert_eq!(rate().read("5").unwrap_err().to_string(), "`rate` = 5 is out of range; it goes from 10 to 20000");
        assert_eq!(rate().read("fast").unwrap_err().to_string(), "`rate` = fast is no option; it has 10..20000");
        assert_eq!(kind().read("1").unwrap_err().to_string(), "`kind` = 1 is no option; it has hard, soft");
    }
}
