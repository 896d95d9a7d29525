//! The instruction set and the engines: tables of instructions with their corner cases, comparisons
//! with qemu, and agreement of the engines with each other.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod agreement;
mod compressed;
mod control_flow;
mod differential;
mod encode;
mod integer;
mod loads_stores;
mod multiply;
mod privileged;
mod timing;
mod zicsr;

use emulator::bare::Bare;
use emulator::bus::Devices;
use emulator::cpu::{Hart, Observer, Reg};
use emulator::engine::{Block, Engine, Exit, Limits, Plain, Traces};
use emulator::memory::Memory;
use encode::{Code, Register, assemble};

/// Where test programs stand: SRAM1 on the instruction bus.
const CODE: u32 = 0x4038_0000;
/// Memory for test programs to work on: SRAM1 on the data bus, behind the programs.
const DATA: u32 = 0x3FC9_0000;
/// Where the test programs' trap handler would stand.
const HANDLER: u32 = 0x4038_1000;

/// Compiled traces, compiled at the first opportunity.
#[derive(Debug)]
struct Eager(Traces);

impl Default for Eager {
    fn default() -> Self {
        Self(Traces::with_threshold(1))
    }
}

impl Engine for Eager {
    fn run<D: Devices, O: Observer>(
        &mut self,
        hart: &mut Hart,
        memory: &mut Memory,
        devices: &mut D,
        limits: &Limits<'_>,
        observer: &mut O,
    ) -> Exit {
        self.0.run(hart, memory, devices, limits, observer)
    }

    fn forget(&mut self, memory: &mut Memory) {
        self.0.forget(memory);
    }
}

/// A hart with `code` at [`CODE`], registers set as `before` says, and [`HANDLER`] in `mtvec`.
fn prepared<E: Engine + Default>(code: &[Code], before: &[(Register, u32)]) -> Bare<E> {
    let mut bare = Bare::<E>::new(CODE, 0);
    bare.load(CODE, &assemble(code)).unwrap();
    bare.hart.write_csr(0x305, HANDLER).unwrap();
    for &(register, value) in before {
        bare.hart.x.set(Reg::from_field(register), value);
    }
    bare
}

/// Runs `count` instructions of `code` on all engines, which have to agree, and hands over the hart.
#[track_caller]
fn run(count: u64, code: &[Code], before: &[(Register, u32)]) -> Bare<Plain> {
    let mut plain = prepared::<Plain>(code, before);
    let mut block = prepared::<Block>(code, before);
    let mut traces = prepared::<Eager>(code, before);
    plain.run_instructions(count);
    block.run_instructions(count);
    traces.run_instructions(count);
    assert_eq!(plain.hart, block.hart, "the block engine differs after {code:x?}");
    assert_eq!(plain.device, block.device, "the block engine's devices differ after {code:x?}");
    assert_eq!(plain.hart, traces.hart, "compiled traces differ after {code:x?}");
    assert_eq!(plain.device, traces.device, "the devices of compiled traces differ after {code:x?}");
    plain
}

/// Runs every instruction of `code` once and compares registers.
#[track_caller]
fn check(name: &str, code: &[Code], before: &[(Register, u32)], after: &[(Register, u32)]) {
    let bare = run(code.len() as u64, code, before);
    for &(register, expected) in after {
        let found = x(&bare.hart, register);
        assert_eq!(found, expected, "{name} {before:x?}: x{register} is {found:#x}, not {expected:#x}");
    }
    let end: u32 = CODE + code.iter().map(|code| code.length()).sum::<u32>();
    assert_eq!(bare.hart.pc, end, "{name} {before:x?} does not end behind its last instruction");
}

fn x(hart: &Hart, register: Register) -> u32 {
    hart.x.get(Reg::from_field(register))
}
