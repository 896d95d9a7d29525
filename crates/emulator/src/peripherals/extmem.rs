//! External memory controller, EXTMEM: the cache and its operations. Every operation is finished as
//! soon as it is asked for; of their effects only invalidation is modelled, because the cache of core
//! memory knows which lines it holds but not what is in them. So is the MMU table at 0x600C_5000.

use super::{Registers, bit};

const ICACHE_LOCK_CTRL: u32 = 0x01C;
const ICACHE_SYNC_CTRL: u32 = 0x028;
const ICACHE_SYNC_ADDR: u32 = 0x02C;
const ICACHE_SYNC_SIZE: u32 = 0x030;
const ICACHE_PRELOAD_CTRL: u32 = 0x034;
const ICACHE_AUTOLOAD_CTRL: u32 = 0x040;
const CACHE_ACS_CNT_CLR: u32 = 0x064;
const CACHE_ILG_INT_CLR: u32 = 0x07C;
const CACHE_STATE: u32 = 0x0B0;
const CACHE_PRELOAD_INT_CTRL: u32 = 0x0BC;
const CACHE_SYNC_INT_CTRL: u32 = 0x0C0;
const ICACHE_FREEZE: u32 = 0x0CC;

const RESET: &[(u32, u32)] = &[
    (0x004, 0x0000_0003),
    (0x008, 0x0000_0005),
    (ICACHE_LOCK_CTRL, 0x0000_0004),
    (ICACHE_SYNC_CTRL, 0x0000_0001),
    (ICACHE_PRELOAD_CTRL, 0x0000_0002),
    (ICACHE_AUTOLOAD_CTRL, 0x0000_0008),
    (0x0AC, 0x0000_0005),
    (0x0C8, 0x0000_0007),
    (0x0E0, 0x0000_0800),
    (0x0E4, 0x0000_0800),
    (0x0E8, 0x0000_00FF),
    (0x0F0, 0x0000_0000),
    (0x0F4, 0x0000_0800),
    (0x0F8, 0x0000_0800),
    (0x0FC, 0x0000_000F),
    (0x100, 0x0000_0001),
    (0x3FC, 0x0200_7160),
];

/// Lines that the cache shall drop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invalidate {
    pub(crate) address: u32,
    pub(crate) length: u32,
}

/// The EXTMEM block at 0x600C_4000.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Extmem {
    registers: Registers<0x100>,
}

impl Extmem {
    pub(crate) fn new() -> Self {
        Self { registers: Registers::new(RESET) }
    }

    pub(crate) fn peek(&self, offset: u32) -> u32 {
        let value = self.registers.get(offset);
        match offset {
            // Operations: the start bit has cleared itself, the done bit is set.
            ICACHE_LOCK_CTRL => value & !3 | 1 << 2,
            ICACHE_SYNC_CTRL => value & !1 | 1 << 1,
            ICACHE_PRELOAD_CTRL => value & !1 | 1 << 1,
            ICACHE_AUTOLOAD_CTRL => value | 1 << 3,
            CACHE_ACS_CNT_CLR | CACHE_ILG_INT_CLR => 0,
            // The state machine is idle.
            CACHE_STATE => 1,
            CACHE_PRELOAD_INT_CTRL | CACHE_SYNC_INT_CTRL => value & 2 | 1,
            // Frozen as soon as it is asked for.
            ICACHE_FREEZE => value & 3 | u32::from(bit(value, 0)) << 2,
            _ => value,
        }
    }

    pub(crate) fn store(&mut self, offset: u32, value: u32) -> Option<Invalidate> {
        self.registers.set(offset, value);
        (offset == ICACHE_SYNC_CTRL && bit(value, 0)).then(|| {
            let address = self.registers.get(ICACHE_SYNC_ADDR);
            // The field has 23 bits; 0 is how the ROM asks for the whole cache.
            match self.registers.get(ICACHE_SYNC_SIZE) & 0x7F_FFFF {
                0 => Invalidate { address, length: u32::MAX },
                length => Invalidate { address, length },
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_done_at_once_and_freeze_follows_its_enable() {
        let mut extmem = Extmem::new();
        for (offset, start, done) in [(ICACHE_LOCK_CTRL, 1, 2), (ICACHE_SYNC_CTRL, 1, 1), (ICACHE_PRELOAD_CTRL, 1, 1)] {
            extmem.store(offset, start);
            assert!(bit(extmem.peek(offset), done), "{offset:#x}");
            assert!(!bit(extmem.peek(offset), 0), "{offset:#x}");
        }
        extmem.store(ICACHE_FREEZE, 1);
        assert!(bit(extmem.peek(ICACHE_FREEZE), 2));
        extmem.store(ICACHE_FREEZE, 0);
        assert!(!bit(extmem.peek(ICACHE_FREEZE), 2));
    }
}
