//! How often visitors may ask. Each has a rate of their own; those of one place share another one, in equal parts as soon
//! as it is short. Cookies are free: a script that takes a hundred of them gets a hundredth for each. Those without a cookie
//! stand in line: a script that comes again and again as somebody new delays the next pupil at its address, and keeps nobody
//! out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::bucket::Bucket;
use crate::config::Limits;
use crate::place::Place;
use crate::store::VisitorId;

/// Places that are remembered; the half that was heard of least recently is forgotten beyond it.
const PLACES_KEPT: usize = 4096;
/// Visitors of one place who have a rate of their own; the others share one until somebody leaves.
const VISITORS_KEPT: usize = 512;
/// Who was silent for so long takes no part in sharing.
const SILENT: Duration = Duration::from_secs(20);
/// How long those without a cookie may stand in line.
const LINE: Duration = Duration::from_secs(2);
/// However many share, a person is never slower than this: requests at once, and a second.
const LEAST_BURST: f64 = 12.0;
const LEAST_RATE: f64 = 2.0;

/// What is remembered of a place.
#[derive(Debug)]
struct Shared {
    heard: Instant,
    visitors: HashMap<VisitorId, Bucket>,
    /// Those without a cookie, and those for whom there is no room.
    others: Bucket,
    /// Bytes that may be kept for good.
    growth: Bucket,
}

/// What is remembered of all places.
#[derive(Debug, Default)]
pub(super) struct Rates {
    places: HashMap<Place, Shared>,
}

impl Rates {
    /// When one more request is served, from now; `None`: it is not.
    pub(super) fn turn(
        &mut self,
        place: Place,
        visitor: Option<VisitorId>,
        limits: &Limits,
        now: Instant,
    ) -> Option<Duration> {
        let shared = self.place(place, limits, now);
        let (all_burst, all_rate) = (f64::from(limits.place_burst), f64::from(limits.place_requests_per_second));
        let Some(visitor) = visitor.filter(|id| shared.has_room_for(*id, now)) else {
            return shared.others.line_up(LINE, all_burst, all_rate, now);
        };
        let present = shared.present(visitor, now) as f64;
        let part = |own: u32, all: f64, least: f64| f64::from(own).min((all / present).max(least));
        let burst = part(limits.burst, all_burst, LEAST_BURST);
        let rate = part(limits.requests_per_second, all_rate, LEAST_RATE);
        let own = shared.visitors.entry(visitor).or_insert_with(|| Bucket::full(burst, now));
        own.take(1.0, burst, rate, now).then_some(Duration::ZERO)
    }

    /// Whether a place may have so many bytes more kept for good.
    pub(super) fn allow_growth(&mut self, place: Place, bytes: u64, limits: &Limits, now: Instant) -> bool {
        let (most, rate) = (limits.place_growth_bytes as f64, limits.place_growth_bytes_per_second as f64);
        self.place(place, limits, now).growth.take(bytes as f64, most, rate, now)
    }

    fn place(&mut self, place: Place, limits: &Limits, now: Instant) -> &mut Shared {
        if self.places.len() >= PLACES_KEPT && !self.places.contains_key(&place) {
            let mut heard: Vec<Instant> = self.places.values().map(|shared| shared.heard).collect();
            heard.sort_unstable();
            let middle = heard[heard.len() / 2];
            self.places.retain(|_, shared| shared.heard > middle);
        }
        let shared = self.places.entry(place).or_insert_with(|| Shared {
            heard: now,
            visitors: HashMap::new(),
            others: Bucket::full(limits.place_burst.into(), now),
            growth: Bucket::full(limits.place_growth_bytes as f64, now),
        });
        shared.heard = now;
        shared
    }
}

impl Shared {
    /// Whether a visitor has, or can have, a rate of their own.
    fn has_room_for(&mut self, visitor: VisitorId, now: Instant) -> bool {
        if self.visitors.contains_key(&visitor) {
            return true;
        }
        if self.visitors.len() >= VISITORS_KEPT {
            self.visitors.retain(|_, bucket| !bucket.is_deserted(SILENT, now));
        }
        self.visitors.len() < VISITORS_KEPT
    }

    /// How many of the visitors are here now, with this one.
    fn present(&self, visitor: VisitorId, now: Instant) -> usize {
        let here = |(id, bucket): &(&VisitorId, &Bucket)| {
            **id != visitor && now.saturating_duration_since(bucket.filled()) < SILENT
        };
        1 + self.visitors.iter().filter(here).count()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::class::ClassId;

    fn elsewhere(number: u32) -> Place {
        Place::of(IpAddr::from(number.to_be_bytes()))
    }

    #[test]
    fn a_burst_is_allowed_and_a_flood_is_not() {
        let mut rates = Rates::default();
        let now = Instant::now();
        let limits = Limits { burst: 3, requests_per_second: 1, ..Limits::default() };
        let ask = |rates: &mut Rates, id| rates.turn(Place::HERE, Some(VisitorId(id)), &limits, now).is_some();
        let answers: Vec<bool> = (0..5).map(|_| ask(&mut rates, 1)).collect();
        assert_eq!(answers, [true, true, true, false, false]);
        assert!(ask(&mut rates, 2), "others are not affected");
    }

    #[test]
    fn cookies_do_not_multiply_what_one_address_gets_and_a_pupil_beside_them_is_served() {
        let mut rates = Rates::default();
        let limits = Limits::default();
        let begun = Instant::now();
        let mut served = 0;
        let mut pupil = Vec::new();
        for tenth in 0..100u32 {
            let now = begun + Duration::from_millis(100) * tenth;
            for id in 0..200 {
                for _ in 0..10 {
                    served += u32::from(rates.turn(Place::HERE, Some(VisitorId(id)), &limits, now).is_some());
                }
            }
            if tenth.is_multiple_of(10) {
                pupil.push(rates.turn(Place::HERE, Some(VisitorId(1000)), &limits, now));
            }
        }
        let fair = 200.0 * LEAST_BURST + 10.0 * f64::from(limits.place_requests_per_second).max(200.0 * LEAST_RATE);
        assert!(f64::from(served) < 2.0 * fair, "{served} of 200000 requests were served");
        assert_eq!(pupil, [Some(Duration::ZERO); 10]);
    }

    #[test]
    fn a_class_behind_one_router_opens_its_pages_at_once() {
        let mut rates = Rates::default();
        let (limits, now) = (Limits::default(), Instant::now());
        for request in 0..LEAST_BURST as u32 {
            for id in 0..40 {
                let turn = rates.turn(elsewhere(9), Some(VisitorId(id)), &limits, now);
                assert_eq!(turn, Some(Duration::ZERO), "request {request} of {id}");
            }
        }
    }

    #[test]
    fn who_has_no_cookie_stands_in_line_with_all_others_of_the_place() {
        let mut rates = Rates::default();
        let (limits, now) = (Limits::default(), Instant::now());
        let mut waits: Vec<Duration> =
            (0..10_000).filter_map(|_| rates.turn(elsewhere(1), None, &limits, now)).collect();
        let in_line = waits.split_off(limits.place_burst as usize);
        assert!(waits.iter().all(|wait| wait.is_zero()), "a burst is served at once");
        let most = LINE.as_secs() as usize * limits.place_requests_per_second as usize;
        assert!(in_line.len() <= most && in_line.len() + 1 >= most && in_line.is_sorted(), "{}", in_line.len());
        assert_eq!(rates.turn(elsewhere(2), None, &limits, now), Some(Duration::ZERO), "another place is not affected");
        let later = rates.turn(elsewhere(1), None, &limits, now + LINE / 2).unwrap();
        assert!(later <= LINE && later > LINE / 3, "the line moves on: {later:?}");
    }

    #[test]
    fn whoever_has_been_here_long_keeps_their_rate_however_many_come_and_go() {
        let mut rates = Rates::default();
        let (limits, begun) = (Limits::default(), Instant::now());
        for second in 0..90 {
            let now = begun + Duration::from_secs(second);
            // A pupil works for half a minute and then waits as long.
            if second < 32 {
                rates.turn(Place::HERE, Some(VisitorId(1)), &limits, now);
            }
            for stranger in 0..100 {
                let id = VisitorId(1000 + second as i64 * 100 + stranger);
                rates.turn(Place::HERE, Some(id), &limits, now);
            }
            let known = rates.places[&Place::HERE].visitors.contains_key(&VisitorId(1));
            assert!(known || second > 60, "after {second} s");
        }
        let visitors = &rates.places[&Place::HERE].visitors;
        assert!(!visitors.contains_key(&VisitorId(1)) && visitors.len() <= VISITORS_KEPT, "it is not for ever");
    }

    #[test]
    fn strangers_at_the_address_of_a_class_take_nothing_from_whoever_has_a_seat() {
        let mut rates = Rates::default();
        let (limits, now) = (Limits::default(), Instant::now());
        for stranger in 0..2 * VISITORS_KEPT as i64 {
            for _ in 0..20 {
                rates.turn(elsewhere(1), Some(VisitorId(stranger)), &limits, now);
            }
        }
        let class = elsewhere(1).in_class(ClassId(1));
        for request in 0..limits.burst {
            let turn = rates.turn(class, Some(VisitorId(-1)), &limits, now);
            assert_eq!(turn, Some(Duration::ZERO), "request {request}");
        }
    }

    #[test]
    fn what_a_place_lets_grow_is_bounded() {
        let mut rates = Rates::default();
        let limits = Limits { place_growth_bytes: 1000, place_growth_bytes_per_second: 10, ..Limits::default() };
        let now = Instant::now();
        assert!(rates.allow_growth(Place::HERE, 900, &limits, now));
        assert!(!rates.allow_growth(Place::HERE, 200, &limits, now));
        assert!(rates.allow_growth(elsewhere(1), 900, &limits, now));
        assert!(rates.allow_growth(Place::HERE, 200, &limits, now + Duration::from_secs(10)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut rates = Rates::default();
        let now = Instant::now();
        for number in 0..3 * PLACES_KEPT as u32 {
            rates.turn(elsewhere(number), None, &Limits::default(), now + Duration::from_micros(number.into()));
        }
        assert!(rates.places.len() <= PLACES_KEPT);
        for id in 0..3 * VISITORS_KEPT as i64 {
            rates.turn(Place::HERE, Some(VisitorId(id)), &Limits::default(), now);
        }
        assert!(rates.places[&Place::HERE].visitors.len() <= VISITORS_KEPT);
    }
}
