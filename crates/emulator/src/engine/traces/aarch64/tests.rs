//! Emitted code, executed by Debian's `qemu-aarch64`: random traces end in the same registers, memory, address and
//! count as in `execute`, which both other engines run.
//!
//! One ELF file holds everything: a driver that enters each trace with registers of its own and keeps what
//! it leaves, the common code, the traces, a context and the guest's RAM. The helper only says that the trace
//! has to be left, so that the way out of an access is taken as well.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use rand::SeedableRng;
use rand::rngs::StdRng;

use super::*;
use crate::cpu::Timing;
use crate::engine::traces::lower::lower;
use crate::engine::traces::random::{Case, WAY_BYTES, cache, case, expected, flash_code, marks};
use crate::engine::traces::state::{HINTS, Left};
use crate::memory::{GRANULE, Memory};

const QEMU: &str = "qemu-aarch64";
const BASE: u64 = 0x40_0000;
const HEADER: usize = 64 + 56;
const CASES: usize = 400;
const BUDGET: u64 = 1000;
/// What a case leaves: the registers and what follows them in the context, up to the pc.
const KEPT: usize = at::PC as usize + 4;

/// Bytes with addresses, laid out one behind the other.
struct File {
    bytes: Vec<u8>,
}

impl File {
    fn put(&mut self, bytes: &[u8]) -> u64 {
        self.bytes.resize(self.bytes.len().next_multiple_of(16), 0);
        let address = BASE + self.bytes.len() as u64;
        self.bytes.extend(bytes);
        address
    }

    fn patch(&mut self, address: u64, bytes: &[u8]) {
        let at = (address - BASE) as usize;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }
}

fn address(ops: &mut VecAssembler<Aarch64Relocation>, host: u8, address: u64) {
    let (low, high) = (address as u32 & 0xFFFF, (address >> 16) as u32);
    dynasm!(ops ; .arch aarch64 ; movz X(host), low ; movk X(host), high, lsl 16);
}

fn driver(enter: u64, context: u64, codes: &[u64], inputs: u64, results: u64, written: u64) -> Vec<u8> {
    let mut ops = VecAssembler::<Aarch64Relocation>::new(0);
    for (index, &code) in codes.iter().enumerate() {
        address(&mut ops, 0, context);
        address(&mut ops, 1, inputs + 128 * index as u64);
        dynasm!(ops ; .arch aarch64 ; movz x2, 0 ; copy: ; ldr w3, [x1, x2] ; str w3, [x0, x2] ; add x2, x2, 4 ; cmp x2, 128 ; b.lo <copy);
        dynasm!(ops ; .arch aarch64 ; movz x3, BUDGET as u32);
        dynasm!(ops ; .arch aarch64 ; str x3, [x0, at::BUDGET as u32] ; str x3, [x0, at::INSTRUCTIONS as u32]);
        address(&mut ops, 1, code);
        address(&mut ops, 16, enter);
        dynasm!(ops ; .arch aarch64 ; blr x16);
        address(&mut ops, 0, context);
        address(&mut ops, 1, results + (KEPT * index) as u64);
        dynasm!(ops ; .arch aarch64 ; movz x2, 0 ; keep: ; ldr w3, [x0, x2] ; str w3, [x1, x2] ; add x2, x2, 4 ; cmp x2, KEPT as u32 ; b.lo <keep);
    }
    // write(1, results, written), as often as it takes; exit(0)
    address(&mut ops, 20, results);
    address(&mut ops, 21, written);
    dynasm!(ops ; .arch aarch64 ; more: ; movz x0, 1 ; mov x1, x20 ; mov x2, x21 ; movz x8, 64 ; svc 0);
    dynasm!(ops ; .arch aarch64 ; add x20, x20, x0 ; subs x21, x21, x0 ; b.ne <more ; movz x0, 0 ; movz x8, 93 ; svc 0);
    ops.finalize().unwrap()
}

/// `extern "C" fn(context, address, call, pc) -> u32`: the trace is left before the instruction.
fn helper() -> Vec<u8> {
    let mut ops = VecAssembler::<Aarch64Relocation>::new(0);
    dynasm!(ops ; .arch aarch64 ; movz w4, Left::Look as u32 ; str w4, [x0, at::EXIT as u32]);
    dynasm!(ops ; .arch aarch64 ; str w3, [x0, at::PC as u32] ; movz w0, 1 ; ret);
    ops.finalize().unwrap()
}

#[test]
fn emitted_code_does_in_qemu_what_the_other_engines_do() {
    if Command::new(QEMU).arg("--version").stdout(Stdio::null()).status().is_err() {
        let advice = format!("{QEMU} was not found: install Debian's package qemu-user to run AArch64 code");
        assert!(std::env::var_os("CI").is_none(), "{advice}");
        eprintln!("skipped: {advice}");
        return;
    }
    let mut random = StdRng::seed_from_u64(7);
    let cases: Vec<Case> = (0..CASES).map(|_| case(&mut random)).collect();

    let mut file = File { bytes: vec![0; HEADER] };
    let mut emitter = Emitter::default();
    let mut bytes = Vec::new();
    let common = emitter.common(&mut bytes).unwrap();
    let stubs = file.put(&bytes);
    let helper = file.put(&helper());
    let codes: Vec<u64> = cases
        .iter()
        .map(|case| {
            bytes.clear();
            lower(&case.path, case.timing, &mut emitter, |_| 0);
            emitter.finish(&mut bytes).unwrap();
            file.put(&bytes)
        })
        .collect();
    let inputs: Vec<u8> = cases.iter().flat_map(|case| case.x).flat_map(u32::to_le_bytes).collect();
    let inputs = file.put(&inputs);
    let flags = file.put(&[1; DRAM_SIZE / GRANULE]);
    let context = file.put(&vec![0; at::HINTS as usize + 2 * HINTS]);
    let results = file.put(&vec![0; KEPT * CASES]);
    let (ways, hints) = cache(flash_code());
    let ways = file.put(&ways);
    let ram = file.put(&vec![0; DRAM_SIZE]);
    let written = ram + DRAM_SIZE as u64 - results;
    let driver = file.put(&driver(stubs + common.enter as u64, context, &codes, inputs, results, written));
    let pointers = [
        (at::RAM, ram),
        (at::FLAGS, flags),
        (at::WAYS, ways),
        (at::MISS, stubs + common.miss as u64),
        (at::BUDGET_OUT, stubs + common.budget as u64),
        (at::CALL, stubs + common.call as u64),
        (at::HELPERS, helper),
        (at::HELPERS + 8, helper),
        // All links lead to the first slot, where nothing is known.
        (at::SLOTS, stubs + common.miss as u64),
        // No jump finds anything: no address is odd.
    ];
    for (offset, pointer) in pointers {
        file.patch(context + offset as u64, &pointer.to_le_bytes());
    }
    file.patch(context + at::JUMPS as u64, &1_u32.to_le_bytes());
    file.patch(context + at::HINTS as u64, &hints);
    let size = file.bytes.len() as u64;
    file.patch(BASE, &header(driver, size));

    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("traces");
    std::fs::write(&program, &file.bytes).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(QEMU).arg(&program).output().unwrap();
    assert!(output.status.success(), "{QEMU} ended with {}", output.status);
    assert_eq!(output.stdout.len() as u64, written);

    let mut memory = Memory::bare(0, 0);
    // Stores are to be nothing special for the oracle either: all granules differ from no snapshot.
    for (index, case) in cases.iter().enumerate() {
        let left = &output.stdout[KEPT * index..KEPT * (index + 1)];
        let word = |at: usize| u32::from_le_bytes(left[at..at + 4].try_into().unwrap());
        let x: [u32; 32] = std::array::from_fn(|n| word(4 * n));
        let counter = if case.timing == Timing::Unit { at::BUDGET } else { at::INSTRUCTIONS } as usize;
        let mut executed = BUDGET - u64::from(word(counter));
        let (expected_x, expected_pc, expected_count) = expected(case, &mut memory);
        if word(at::EXIT as usize) == Left::Look as u32 {
            // The head has taken the whole trace, and this helper gives nothing back.
            assert_eq!(executed, case.path.steps.len() as u64);
            executed = expected_count;
        }
        let listing = || format!("case {index}, {:?}: {:#x?} {:#x?}", case.timing, case.path, case.x);
        assert_eq!(x, expected_x, "registers of {}", listing());
        assert_eq!(word(at::PC as usize), expected_pc, "pc of {}", listing());
        assert_eq!(executed, expected_count, "count of {}", listing());
    }
    // Lines were marked as used by their code, within the budget; the epoch was 0.
    let begins = (ways - results) as usize;
    let marks = marks(&output.stdout[begins..begins + WAY_BYTES]);
    assert!(marks.len() >= 5 && marks.iter().all(|mark| mark % 4 == MARK_CODE && mark / 4 <= BUDGET), "{marks:?}");
    let mut ours = vec![0; DRAM_SIZE];
    memory.read(DRAM_BASE, &mut ours).unwrap();
    let theirs = &output.stdout[output.stdout.len() - DRAM_SIZE..];
    assert!(ours == theirs, "memory differs");
}

/// An ELF header with one program header: everything in one readable, writable, executable segment.
fn header(entry: u64, size: u64) -> Vec<u8> {
    let mut bytes = vec![0x7F, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([2_u16, 183].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend(1_u32.to_le_bytes());
    bytes.extend([entry, 64, 0].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend(0_u32.to_le_bytes());
    bytes.extend([64_u16, 56, 1, 0, 0, 0].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend([1_u32, 7].iter().flat_map(|value| value.to_le_bytes()));
    bytes.extend([0, BASE, BASE, size, size, 0x1000].iter().flat_map(|value| value.to_le_bytes()));
    bytes
}
