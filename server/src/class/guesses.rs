//! How often somebody may be wrong about a PIN or about three words. Only failures count: a school that joins from one
//! address in a minute passes.
//!
//! A try takes a token, and a right one gives it back. So tries that are under way at the same time are counted too. A place
//! from which somebody was right of late does not wait for what other places do: whoever guesses from many addresses keeps
//! no class out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::place::Place;

/// Failures of one place: at once, and the time after which one more is allowed.
const PLACE_BURST: f64 = 20.0;
const PLACE_PERIOD: Duration = Duration::from_secs(6);
/// Failures of all places together: whoever has many addresses needs days for half of a million numbers.
const ALL_BURST: f64 = 60.0;
const ALL_PERIOD: Duration = Duration::from_secs(1);
/// Places that are remembered.
const PLACES_KEPT: usize = 4096;
/// A place where somebody was right stays one for so long: a school day.
const RIGHT_FOR: Duration = Duration::from_secs(8 * 3600);
/// The host is told when so many failures came within so long.
const TOLD_FAILURES: usize = 30;
const TOLD_WITHIN: Duration = Duration::from_secs(60);

/// How long to wait before the next try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

/// Failed tries of late.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Guessing {
    /// How many.
    pub failures: usize,
    /// From how many addresses.
    pub places: usize,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn fill(&mut self, most: f64, period: Duration, now: Instant) {
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() / period.as_secs_f64();
        *self = Self { tokens: (self.tokens + gained).min(most), filled: now };
    }

    /// How long until there is a whole token.
    fn wait(self, period: Duration) -> Duration {
        period.mul_f64((1.0 - self.tokens).max(0.0))
    }
}

/// Failures of everybody.
#[derive(Debug)]
pub struct Guesses {
    places: HashMap<Place, Bucket>,
    /// Where somebody was right, and when last.
    right: HashMap<Place, Instant>,
    all: Bucket,
    failures: Vec<(Instant, Place)>,
}

impl Guesses {
    /// Nobody has failed.
    #[must_use]
    pub fn new(now: Instant) -> Self {
        let all = Bucket { tokens: ALL_BURST, filled: now };
        Self { places: HashMap::new(), right: HashMap::new(), all, failures: Vec::new() }
    }

    /// Begins a try.
    ///
    /// # Errors
    /// The place, or everybody, has failed too often of late.
    pub fn begin(&mut self, place: Place, now: Instant) -> Result<(), Wait> {
        self.all.fill(ALL_BURST, ALL_PERIOD, now);
        let was_right = self.was_right(place, now);
        if self.all.tokens < 1.0 && !was_right {
            // Nobody is looked up any more: that would be work for whoever guesses.
            return Err(Wait(self.all.wait(ALL_PERIOD)));
        }
        if self.places.len() >= PLACES_KEPT && !self.places.contains_key(&place) {
            // Who has all tokens back is remembered without being kept.
            let full = PLACE_PERIOD.mul_f64(PLACE_BURST);
            self.places.retain(|_, bucket| now.saturating_duration_since(bucket.filled) < full);
            if self.places.len() >= PLACES_KEPT {
                return Err(Wait(PLACE_PERIOD));
            }
        }
        let own = self.places.entry(place).or_insert(Bucket { tokens: PLACE_BURST, filled: now });
        own.fill(PLACE_BURST, PLACE_PERIOD, now);
        if own.tokens < 1.0 {
            return Err(Wait(own.wait(PLACE_PERIOD)));
        }
        own.tokens -= 1.0;
        if !was_right {
            self.all.tokens -= 1.0;
        }
        Ok(())
    }

    fn was_right(&self, place: Place, now: Instant) -> bool {
        self.right.get(&place).is_some_and(|at| now.saturating_duration_since(*at) < RIGHT_FOR)
    }

    /// The try was right: it does not count.
    pub fn right(&mut self, place: Place, now: Instant) {
        if !self.was_right(place, now) {
            self.all.tokens = (self.all.tokens + 1.0).min(ALL_BURST);
        }
        if self.right.len() >= PLACES_KEPT {
            self.right.retain(|_, at| now.saturating_duration_since(*at) < RIGHT_FOR);
        }
        if self.right.len() < PLACES_KEPT || self.right.contains_key(&place) {
            self.right.insert(place, now);
        }
        if let Some(own) = self.places.get_mut(&place) {
            own.tokens = (own.tokens + 1.0).min(PLACE_BURST);
        }
    }

    /// The try was wrong. Returns how many more the place has at once.
    pub fn wrong(&mut self, place: Place, now: Instant) -> u32 {
        self.failures.retain(|(at, _)| now.saturating_duration_since(*at) < TOLD_WITHIN);
        self.failures.push((now, place));
        let own = self.places.get(&place).map_or(PLACE_BURST, |bucket| bucket.tokens);
        let left = if self.was_right(place, now) { own } else { own.min(self.all.tokens) };
        left.max(0.0) as u32
    }

    /// What a host should know, with what other processes have seen.
    #[must_use]
    pub fn guessing(&self, elsewhere: Guessing, now: Instant) -> Option<Guessing> {
        let here = self.of_late(now);
        let all = Guessing { failures: here.failures + elsewhere.failures, places: here.places + elsewhere.places };
        (all.failures >= TOLD_FAILURES).then_some(all)
    }

    /// The failures of late, many or few.
    #[must_use]
    pub fn of_late(&self, now: Instant) -> Guessing {
        let mut places: Vec<Place> = self
            .failures
            .iter()
            .filter(|(at, _)| now.saturating_duration_since(*at) < TOLD_WITHIN)
            .map(|(_, place)| *place)
            .collect();
        let failures = places.len();
        places.sort_unstable();
        places.dedup();
        Guessing { failures, places: places.len() }
    }

    /// A new PIN makes what was guessed before worthless.
    pub fn forget(&mut self) {
        self.failures.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(number: u32) -> Place {
        Place::of(std::net::Ipv4Addr::from_bits(0x0A00_0000 + number).into())
    }

    fn told(guesses: &Guesses, now: Instant) -> Option<Guessing> {
        guesses.guessing(Guessing::default(), now)
    }

    #[test]
    fn what_other_processes_have_seen_counts_too() {
        let now = Instant::now();
        let mut guesses = Guesses::new(now);
        for number in 0..20 {
            guesses.begin(place(number), now).unwrap();
            guesses.wrong(place(number), now);
        }
        let elsewhere = Guessing { failures: 15, places: 3 };
        assert_eq!(told(&guesses, now), None);
        assert_eq!(guesses.guessing(elsewhere, now), Some(Guessing { failures: 35, places: 23 }));
    }

    #[test]
    fn a_school_that_joins_from_one_address_passes() {
        let now = Instant::now();
        let mut guesses = Guesses::new(now);
        for _ in 0..1000 {
            guesses.begin(place(1), now).unwrap();
            guesses.right(place(1), now);
        }
        assert_eq!(told(&guesses, now), None);
    }

    #[test]
    fn a_place_that_fails_waits_and_the_others_do_not() {
        let now = Instant::now();
        let mut guesses = Guesses::new(now);
        for left in (0..20).rev() {
            guesses.begin(place(1), now).unwrap();
            assert_eq!(guesses.wrong(place(1), now), left);
        }
        assert_eq!(guesses.begin(place(1), now), Err(Wait(PLACE_PERIOD)));
        assert_eq!(guesses.begin(place(2), now), Ok(()));
        assert_eq!(guesses.begin(place(1), now + PLACE_PERIOD), Ok(()));
    }

    #[test]
    fn many_addresses_are_slowed_and_told() {
        let now = Instant::now();
        let mut guesses = Guesses::new(now);
        let mut tried = 0;
        // 200 addresses, each as often as it likes, for an hour.
        for second in 0..3600 {
            let now = now + Duration::from_secs(second);
            for number in 0..200 {
                if guesses.begin(place(number), now).is_ok() {
                    guesses.wrong(place(number), now);
                    tried += 1;
                }
            }
        }
        assert!((3600..=3660).contains(&tried), "{tried} tries in an hour");
        let many = told(&guesses, now + Duration::from_secs(3599)).unwrap();
        assert!(many.failures >= 59 && many.places >= 2, "{many:?}");
        assert_eq!(told(&guesses, now + Duration::from_secs(3700)), None);
    }

    #[test]
    fn guessing_from_many_addresses_keeps_no_class_out() {
        let now = Instant::now();
        let mut guesses = Guesses::new(now);
        guesses.begin(place(1), now).unwrap();
        guesses.right(place(1), now);
        for number in 100..300 {
            if guesses.begin(place(number), now).is_ok() {
                guesses.wrong(place(number), now);
            }
        }
        assert!(guesses.begin(place(2), now).is_err(), "nobody was right there yet");
        for _ in 0..1000 {
            guesses.begin(place(1), now).unwrap();
            guesses.right(place(1), now);
        }
        // Who is wrong there waits as everywhere.
        for left in (0..20).rev() {
            guesses.begin(place(1), now).unwrap();
            assert_eq!(guesses.wrong(place(1), now), left);
        }
        assert!(guesses.begin(place(1), now).is_err());
        let tomorrow = now + RIGHT_FOR;
        assert!(!guesses.was_right(place(1), tomorrow));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let now = Instant::now();
        let mut guesses = Guesses::new(now);
        for number in 0..20_000 {
            let now = now + Duration::from_millis(u64::from(number) * 10);
            if guesses.begin(place(number), now).is_ok() {
                if number % 2 == 0 { guesses.right(place(number), now) } else { _ = guesses.wrong(place(number), now) }
            }
        }
        assert!(guesses.right.len() <= PLACES_KEPT);
        assert!(guesses.places.len() <= PLACES_KEPT && guesses.failures.len() <= 200);
    }
}
