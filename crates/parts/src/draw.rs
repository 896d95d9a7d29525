//! What is chance on silicon: a seeded generator for each part.
//!
//! A part's seed comes from the run's seed and from the part's own name, so that adding another
//! part to a wiring leaves the bounces of all others as they were. The generator is SplitMix64
//! (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014).

/// A seeded generator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Draw {
    state: u64,
}

impl Draw {
    /// The generator of one part in one run.
    pub(crate) fn for_part(run_seed: u64, name: &str) -> Self {
        // FNV-1a over the name, spread by one step of the generator.
        let name = name
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3));
        let mut draw = Self { state: run_seed };
        let seed = draw.next();
        Self { state: seed ^ name }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    /// A number of 0..=`most`, each as likely as any other.
    pub(crate) fn up_to(&mut self, most: u64) -> u64 {
        ((u128::from(self.next()) * (u128::from(most) + 1)) >> 64) as u64
    }

    /// A number of -`most`..=`most`.
    pub(crate) fn around(&mut self, most: u64) -> i64 {
        let most = most.min(i64::MAX as u64 / 2);
        self.up_to(2 * most) as i64 - most as i64
    }

    /// A number of 0..=`most` whose mean is a quarter of `most`: small ones are likely, large ones
    /// rare (the cube of an even draw).
    pub(crate) fn mostly_small(&mut self, most: u64) -> u64 {
        let even = u128::from(self.next() >> 32);
        // `even` is below 2^32, so its cube stays below 2^96.
        let cube = (even * even * even) >> 64;
        ((cube * u128::from(most)) >> 32) as u64
    }

    /// True in `permille` of 1000 draws.
    pub(crate) fn chance(&mut self, permille: u64) -> bool {
        self.up_to(999) < permille
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_names_give_streams_of_their_own() {
        let stream = |seed, name: &str| {
            let mut draw = Draw::for_part(seed, name);
            [draw.up_to(u64::MAX), draw.up_to(u64::MAX)]
        };
        assert_eq!(stream(7, "bell"), stream(7, "bell"));
        assert_ne!(stream(7, "bell"), stream(8, "bell"));
        assert_ne!(stream(7, "bell"), stream(7, "rain"));
    }

    #[test]
    fn means_are_what_they_are_said_to_be() {
        let mut draw = Draw::for_part(1, "x");
        let mean = |mut one: Box<dyn FnMut() -> i64 + '_>| (0..20_000).map(|_| one()).sum::<i64>() / 20_000;
        assert!((1480..1620).contains(&mean(Box::new(|| draw.mostly_small(6200) as i64))));
        let mut draw = Draw::for_part(2, "x");
        assert!((4900..5100).contains(&mean(Box::new(|| draw.up_to(10_000) as i64))));
        let mut draw = Draw::for_part(3, "x");
        assert!((-50..50).contains(&mean(Box::new(|| draw.around(1000)))));
        let mut draw = Draw::for_part(4, "x");
        assert!((230..270).contains(&mean(Box::new(|| i64::from(draw.chance(250)) * 1000))));
    }

    #[test]
    fn bounds_hold() {
        let mut draw = Draw::for_part(5, "x");
        for most in [0, 1, 5, u64::MAX] {
            for _ in 0..100 {
                assert!(draw.up_to(most) <= most);
                assert!(draw.mostly_small(most) <= most);
            }
        }
        for _ in 0..100 {
            assert!(draw.around(3).abs() <= 3);
            assert!(!draw.chance(0));
            assert!(draw.chance(1000));
        }
    }
}
