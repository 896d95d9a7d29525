//! How often something may be done: at once, and for long.

use std::time::{Duration, Instant};

/// A token bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    filled: Instant,
    since: Instant,
}

impl Bucket {
    /// With as many tokens as there can be.
    pub(crate) fn full(most: f64, now: Instant) -> Self {
        Self { tokens: most, filled: now, since: now }
    }

    /// Fills up, and takes `wanted` if there are as many.
    pub(crate) fn take(&mut self, wanted: f64, most: f64, rate: f64, now: Instant) -> bool {
        self.fill(most, rate, now);
        let enough = self.tokens >= wanted;
        if enough {
            self.tokens -= wanted;
        }
        enough
    }

    /// Fills up, and takes a token that may still be to come: how long it takes, unless that is more than `longest`.
    pub(crate) fn line_up(&mut self, longest: Duration, most: f64, rate: f64, now: Instant) -> Option<Duration> {
        self.fill(most, rate, now);
        let missing = 1.0 - self.tokens;
        let wait = if missing > 0.0 { Duration::try_from_secs_f64(missing / rate).ok()? } else { Duration::ZERO };
        (wait <= longest).then(|| {
            self.tokens -= 1.0;
            wait
        })
    }

    fn fill(&mut self, most: f64, rate: f64, now: Instant) {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + gained).min(most);
        self.filled = now;
    }

    /// When something was last asked of it.
    pub(crate) fn filled(&self) -> Instant {
        self.filled
    }

    /// Whether the owner may be gone: silent for so long, or, who has been here longer, for as long.
    pub(crate) fn is_deserted(&self, silent: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.filled) >= silent.max(self.filled.saturating_duration_since(self.since))
    }
}
