//! Which release of MicroPython the tested firmware was built from, and all that differs between releases.

use crate::firmware_file;

/// A release, by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release(pub u32, pub u32, pub u32);

/// From here on, the slice of `a[i:j] = b` is made on the stack where a list, tuple, string or array is indexed, and a
/// pass of the scheduler runs only what was queued when it began (mp#17347). There is `machine.I2CTarget` (mp#17365).
pub const V1_26: Release = Release(1, 26, 0);

impl Release {
    /// That of the lesson firmware's image, as its banner says it.
    ///
    /// # Panics
    /// Where the image has no banner.
    #[must_use]
    pub fn of_the_firmware() -> Self {
        const BANNER: &[u8] = b"MicroPython v";
        let image = firmware_file("lesson-firmware-esp32c3.bin");
        let at = image.windows(BANNER.len()).position(|window| window == BANNER).expect("the image has a banner");
        let text: String =
            image[at + BANNER.len()..].iter().map(|byte| char::from(*byte)).take_while(|c| *c != ' ').collect();
        let mut numbers = text.split('.').map(|number| number.parse().expect("a version is three numbers"));
        let mut next = || numbers.next().expect("a version is three numbers");
        Self(next(), next(), next())
    }
}

impl std::fmt::Display for Release {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.0, self.1, self.2)
    }
}
