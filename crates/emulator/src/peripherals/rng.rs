//! Random number generator (TRM, chapter "Random Number Generator"): RNG_DATA_REG. On silicon the
//! bits come from noise; here from a seed, so that a run can be repeated.

/// The generator behind RNG_DATA_REG at 0x6002_60B0.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Rng {
    state: u64,
}

impl Rng {
    /// A generator whose numbers are fixed by `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 32 bits (SplitMix64, Steele, Lea and Flood 2014).
    pub(crate) fn draw(&mut self) -> u32 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ self.state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) >> 32) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_decides_and_bits_vary() {
        let draw = |seed| {
            let mut rng = Rng::new(seed);
            [(); 64].map(|()| rng.draw())
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        let (ones, zeros) = draw(7).iter().fold((0, u32::MAX), |(or, and), &word| (or | word, and & word));
        assert_eq!((ones, zeros), (u32::MAX, 0));
    }
}
