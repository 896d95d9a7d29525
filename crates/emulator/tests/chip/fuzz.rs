//! Guests and hosts that do whatever they like: nothing panics, nothing grows without bound, the
//! engines agree, and snapshots hold. `cargo run --release -p emulator --example soak` goes on for
//! as long as one likes.

use proptest::prelude::*;

use crate::guest::live;

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_guests_and_hosts_do_no_harm(seed in any::<u64>()) {
        live(seed, 8);
    }
}
