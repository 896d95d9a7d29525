//! What a board causes to be logged, seldom: a board can fail a thousand times a second, and a log is for people.

use std::time::Duration;

use tokio::time::Instant;

/// So long after one line there is no other.
const INTERVAL: Duration = Duration::from_secs(10);

/// One kind of line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seldom {
    told: Option<Instant>,
    untold: u64,
}

impl Seldom {
    /// Whether it is told now, and how often it was not since the last time.
    pub(super) fn tell(&mut self, now: Instant) -> Option<u64> {
        if self.told.is_some_and(|told| now.duration_since(told) < INTERVAL) {
            self.untold += 1;
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_a_second_are_one_line_and_a_number() {
        let (mut faults, begun) = (Seldom::default(), Instant::now());
        let told: Vec<u64> = (0..25_000).filter_map(|ms| faults.tell(begun + Duration::from_millis(ms))).collect();
        assert_eq!(told, [0, 9999, 9999]);
    }
}
