//! SPI0, the flash controller of the cache. Its registers are storage; what is read out of them is how
//! long a line of the cache takes to arrive, in the mode and at the clock that the bootloader has set.

use super::{bit, field};
use crate::clock::APB_PLL_TICKS;

/// First address of the block.
pub(crate) const BASE: u32 = 0x6000_3000;

const CTRL: u32 = 0x08;
const CLOCK: u32 = 0x14;
const USER: u32 = 0x18;
const USER1: u32 = 0x1C;

/// Bits of a read command, which always go over one line.
const COMMAND_BITS: u32 = 8;
/// Bits in a line of the cache.
const LINE_BITS: u32 = 32 * 8;

/// How long it takes to read a line, as the registers that `read` reads are set.
///
/// Counted are the SPI clocks of command, address, dummy cycles and data. How long the cache takes to
/// notice a miss and to hand the line on is not known.
pub(crate) fn line_ticks(read: impl Fn(u32) -> u32) -> u32 {
    let (ctrl, user, user1) = (read(CTRL), read(USER), read(USER1));
    // FASTRD_MODE lets the four bits above it choose: DUAL 14, QUAD 20, DIO 23, QIO 24.
    let fast = bit(ctrl, 13);
    let (address_lines, data_lines) = match (bit(ctrl, 24), bit(ctrl, 23), bit(ctrl, 20), bit(ctrl, 14)) {
        _ if !fast => (1, 1),
        (true, ..) => (4, 4),
        (_, true, ..) => (2, 2),
        (_, _, true, _) => (1, 4),
        (.., true) => (1, 2),
        _ => (1, 1),
    };
    let address_bits = field(user1, 26, 31) + 1;
    let dummy = if bit(user, 29) { field(user1, 0, 5) + 1 } else { 0 };
    let clocks = COMMAND_BITS + address_bits.div_ceil(address_lines) + dummy + LINE_BITS / data_lines;
    clocks * clock_ticks(read(CLOCK))
}

/// How long a clock of the flash takes: as long as one of the 80 MHz of the bus (CLK_EQU_SYSCLK), or
/// CLKCNT_N + 1 times as long.
fn clock_ticks(clock: u32) -> u32 {
    let divider = if bit(clock, 31) { 1 } else { field(clock, 16, 23) + 1 };
    divider * APB_PLL_TICKS
}
