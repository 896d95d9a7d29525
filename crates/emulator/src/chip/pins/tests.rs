//! What the short way over the pins leaves out would have changed nothing.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;

use super::*;
use crate::bus::{Devices, Width};
use crate::chip::Strapping;
use crate::flash::FlashImage;
use crate::memory::Memory;
use crate::peripherals::efuse::EfuseImage;
use crate::rom::Rom;
use crate::snapshot::StateHasher;

const GPIO: u32 = 0x6000_4000;
const IO_MUX: u32 = 0x6000_9000;
const LEDC: u32 = 0x6001_9000;
const PERIP_RST_EN0: u32 = 0x600C_0018;

/// What happens to a chip.
#[derive(Clone, Debug)]
enum Act {
    Store { address: u32, value: u32 },
    Drive { pin: u8, drive: Drive },
    Connect { pins: [u8; 2] },
    Disconnect { pins: [u8; 2] },
}

fn act() -> impl Strategy<Value = Act> {
    let store = |address: u32, value| Act::Store { address, value };
    // Few pins, so that what is done to them meets.
    let pins = prop_oneof![(0_u32..8).prop_map(|pin| 1 << pin), 0_u32..256];
    let outputs = prop::sample::select(vec![0x04, 0x08, 0x0C, 0x20, 0x24, 0x28, 0x44, 0x48, 0x4C]);
    let signals = prop::sample::select(vec![6_u32, 9, 45, 51, 52, 53, 54, 63, 65, 68, 0x80]);
    let drive = prop::sample::select(vec![Drive::Low, Drive::High, Drive::PullUp, Drive::PullDown, Drive::Released]);
    prop_oneof![
        12 => (outputs, pins).prop_map(move |(offset, pins)| store(GPIO + offset, pins)),
        // PINn: types of interrupts, open drain.
        2 => (0_u32..8, 0_u32..6, any::<bool>())
            .prop_map(move |(pin, kind, drain)| store(GPIO + 0x74 + 4 * pin, kind << 7 | 1 << 13 | u32::from(drain) << 2)),
        // The matrix in both directions.
        2 => (signals.clone(), 0_u32..8, any::<bool>())
            .prop_map(move |(signal, pin, round)| store(GPIO + 0x154 + 4 * signal, 1 << 6 | u32::from(round) << 5 | pin)),
        1 => (0_u32..8, signals).prop_map(move |(pin, signal)| store(GPIO + 0x554 + 4 * pin, signal)),
        1 => (0_u32..8, 0_u32..3).prop_map(move |(pad, function)| store(IO_MUX + 4 + 4 * pad, function << 12 | 1 << 8)),
        1 => (0_u32..4, any::<u32>()).prop_map(move |(n, value)| store(LEDC + 4 * n, value)),
        1 => Just(store(PERIP_RST_EN0, 1 << 5)),
        2 => (0_u8..8, drive).prop_map(|(pin, drive)| Act::Drive { pin, drive }),
        1 => [0_u8..8, 0..8].prop_map(|pins| Act::Connect { pins }),
        1 => [0_u8..8, 0..8].prop_map(|pins| Act::Disconnect { pins }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn to_follow_all_pins_again_changes_nothing(acts in prop::collection::vec(act(), 1..120), watched in 0_u32..256) {
        let mut memory = Memory::new(&[], FlashImage::blank());
        let mut chip = Chip::new(EfuseImage::new([0; 6], Rom::default().revision()), Strapping::FlashBoot, 0, 16);
        chip.watch_pins(watched);
        for (act, now) in acts.into_iter().zip(1..) {
            match act {
                Act::Store { address, value } => {
                    chip.store(&mut memory, now, address, Width::Word, value).unwrap();
                }
                Act::Drive { pin, drive } => chip.drive_pin(now, pin, drive),
                Act::Connect { pins } => chip.connect_pins(now, &pins).unwrap(),
                Act::Disconnect { pins } => chip.disconnect_pins(now, &pins).unwrap(),
            }
            let mut again = chip.clone();
            again.follow_pins(now);
            prop_assert_eq!(StateHasher::of(&again), StateHasher::of(&chip));
            prop_assert_eq!(again.take_pin_events(), chip.take_pin_events());
        }
    }
}
