//! The word that plays one arrival again: firmware, lesson, program, seed, settings and arrival.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::Exploration;

/// One run that anyone can play again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Replay {
    /// Before which instruction of the window the interrupt arrives.
    pub at: u32,
    /// Before which instruction a second one arrives, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub second: Option<u32>,
    /// All that decides the run, in one word: `isrlab explore --replay WORD`.
    pub word: String,
}

impl Exploration {
    /// The word that plays arrivals again: what decides the run, with hashes of firmware and program.
    #[must_use]
    pub fn replay(&self, at: u32, second: Option<u32>) -> Replay {
        let settings: Vec<_> = self.request.settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let program = match self.program_name() {
            "lesson" => "lesson".into(),
            _ => short_hash(self.request.program.as_bytes()),
        };
        let also = second.map(|second| format!("+{second}")).unwrap_or_default();
        let word = format!(
            "isr1:{}:{}:{program}:{}:{}:{at}{also}",
            short_hash(crate::firmware::FLASH_IMAGE),
            self.lesson.slug,
            self.request.seed,
            settings.join(",")
        );
        Replay { at, second, word }
    }
}

fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
