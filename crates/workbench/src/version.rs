//! What decides a run on a virtual board besides lesson, program, settings and seed: the firmware and the model of time.
//!
//! Reports, outcomes and replay words carry it. Two runs of the same version are the same run, byte for byte; a run of another
//! version is another run.

use emulator::Timing;
use serde::{Deserialize, Serialize};

/// The version of a virtual board.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoardVersion {
    /// The firmware's build, see [`LessonFirmware::hash`](crate::firmware::LessonFirmware::hash).
    pub firmware: String,
    /// What instructions cost: `silicon` or `unit`.
    #[serde(with = "name")]
    pub timing: Timing,
}

/// A model of time by its name.
mod name {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Timing;

    pub(super) fn serialize<S: Serializer>(timing: &Timing, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(timing)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timing, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_version_is_written_by_names_and_read_back() {
        for (timing, name) in [(Timing::Silicon, "silicon"), (Timing::Unit, "unit")] {
            let version = BoardVersion { firmware: "0123abcd".into(), timing };
            let written = serde_json::to_value(&version).unwrap();
            assert_eq!(written, json!({ "firmware": "0123abcd", "timing": name }));
            assert_eq!(serde_json::from_value::<BoardVersion>(written).unwrap(), version);
        }
        let other = json!({ "firmware": "0123abcd", "timing": "sundial" });
        assert!(serde_json::from_value::<BoardVersion>(other).is_err());
    }
}
