//! The releases of MicroPython that the firmware can be built from, newest first.
//!
//! All that depends on the release stands here, in `port/release.h`, and in the tests' `release.rs`. `cargo xtask
//! firmware` includes this file as well as the build script does. Debian's suites move on: where a suite no longer
//! carries its row, and upstream's tag cannot be reached, the next row stands in.

/// One release of MicroPython.
pub(crate) struct Release {
    /// As `py/mpconfig.h` says it.
    pub(crate) version: &'static str,
    /// The day on which it was made, as `sys.version` says it.
    pub(crate) date: &'static str,
    /// Seconds from 1970 to that day.
    pub(crate) epoch: u32,
    /// SHA-256 over the names and contents of what is compiled.
    pub(crate) tree_sha256: &'static str,
    /// Debian's suite that carries it as a source package.
    pub(crate) debian_suite: &'static str,
    /// SHA-256 of that package's archive of upstream's tree.
    pub(crate) debian_sha256: &'static str,
    /// What of its `extmod` is compiled besides what every release of the table has.
    pub(crate) extmod: &'static [&'static str],
}

/// Newest first; the first one is built unless another one is asked for.
pub(crate) const RELEASES: [Release; 2] = [
    Release {
        version: "1.26.1",
        date: "2025-09-11",
        epoch: 1_757_548_800,
        tree_sha256: "55846f72f6171de87e35cdafaebfde21c47c4fd21733b79cdfbb140453d4f783",
        debian_suite: "forky",
        debian_sha256: "f5ad2ec89d3e921f753d448955af98b6005655f84ba26087dde6ba0e8d062f34",
        extmod: &["machine_i2c_target"],
    },
    Release {
        version: "1.25.0",
        date: "2025-04-15",
        epoch: 1_744_675_200,
        tree_sha256: "78786f450a29ba166b3e5d49b5366852bebc2195659f13828fc2e3bc1119a035",
        debian_suite: "trixie",
        debian_sha256: "7b25be99a502f070b2de81dafc08da7051d992325d6e67daa9045a918fffdbea",
        extmod: &[],
    },
];

impl Release {
    /// The release of this version, if the table has it.
    pub(crate) fn of(version: &str) -> Option<&'static Self> {
        RELEASES.iter().find(|release| release.version == version)
    }
}
