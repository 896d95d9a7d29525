//! Traces of a module, executed by node: random ones end in the same registers, memory, address and counts as in `execute`, which
//! both other engines run, and what is in flash marks the lines of the cache that it uses.
//!
//! The helper only says that the trace has to be left, so that the way out of an access is taken as well.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::super::path::{Path, Step};
use super::super::random::{Case, WAY_BYTES, cache, case, expected, flash_code, marks};
use super::super::state::{Left, MARK_CODE, MARK_DATA};
use super::context::{Context, at};
use super::table::{Run, Source};
use super::write::{Found, module};
use crate::cpu::{Op, Reg};
use crate::memory::{DRAM_BASE, DRAM_SIZE, FLASH_DATA_BASE, GRANULE, MMU_PAGE_BITS, Memory};

const CASES: usize = 400;
const BUDGET: u32 = 1000;
/// Where things are in the module's memory.
const CONTEXT: u32 = 0x1_0000;
const FLAGS: u32 = 0x5_0000;
const WAYS: u32 = 0x5_8000;
const RAM: u32 = 0x6_0000;
const PAGE: u32 = 0xC_0000;
const MEMORY: usize = 0xD_0000;
/// What a run leaves: the context up to here, and the cache's ways.
const KEPT: usize = at::WAYS as usize;

/// Takes, from its standard input, the length of the module, the module, the memory, and for each run the number of a trace and 32
/// registers; leaves, on its standard output, what each run leaves, and the memory.
const RUNNER: &str = r#"
const input = require("node:fs").readFileSync(0);
const [context, ways, wayBytes, kept, left, budget, exit, pc, look, memoryBytes] = process.argv.slice(1).map(Number);
const length = input.readUInt32LE(0);
const memory = new WebAssembly.Memory({ initial: memoryBytes >> 16 });
const bytes = Buffer.from(memory.buffer);
input.copy(bytes, 0, 4 + length, 4 + length + memoryBytes);
const isrlab_help = (context, address, call, at) => {
  bytes.writeUInt32LE(look, context + exit);
  bytes.writeUInt32LE(at >>> 0, context + pc);
  return 1;
};
const module = new WebAssembly.Module(input.subarray(4, 4 + length));
const { run } = new WebAssembly.Instance(module, { tab: { memory, isrlab_help } }).exports;
const runs = [];
for (let from = 4 + length + memoryBytes; from < input.length; from += 132) {
  input.copy(bytes, context, from + 4, from + 132);
  bytes.writeBigInt64LE((BigInt(budget) << 32n) + BigInt(budget), context + left);
  bytes.writeUInt32LE(0, context + exit);
  run(context, input.readUInt32LE(from));
  runs.push(Buffer.from(bytes.subarray(context, context + kept)), Buffer.from(bytes.subarray(ways, ways + wayBytes)));
}
process.stdout.write(Buffer.concat([...runs, bytes]));
"#;

/// A run: the number of its trace, and registers.
type Begun = (usize, [u32; 32]);

/// What a run has left.
struct Kept<'a> {
    context: &'a [u8],
    ways: &'a [u8],
}

impl Kept<'_> {
    fn word(&self, offset: u64) -> u32 {
        u32::from_le_bytes(self.context[offset as usize..][..4].try_into().unwrap())
    }

    fn x(&self) -> [u32; 32] {
        std::array::from_fn(|reg| self.word(at::X + 4 * reg as u64))
    }

    /// Instructions that the budget does not have any more, and cycles.
    fn spent(&self) -> (u32, u32) {
        (BUDGET - self.word(at::LEFT), BUDGET - self.word(at::LEFT + 4))
    }
}

/// Has node run traces of these paths, one run after the other in one memory; `None` where there is no node.
fn run_in_node(paths: Vec<Path>, runs: &[Begun], (ways, hints): &(Vec<u8>, Vec<u8>)) -> Option<Vec<u8>> {
    if Command::new("node").arg("--version").stdout(Stdio::null()).status().is_err() {
        let advice = "node was not found, which runs the tab's traces";
        assert!(std::env::var_os("CI").is_none(), "{advice}");
        eprintln!("skipped: {advice}");
        return None;
    }
    let found: Vec<Found> = paths
        .into_iter()
        .map(|path| {
            let run = Run { pc: path.steps[0].pc, halfwords: 2 };
            Found { path, source: Source { runs: [run].into(), digest: [0; 16] } }
        })
        .collect();
    let module = module(&found.iter().collect::<Vec<_>>());

    let mut memory = vec![0; MEMORY];
    let mut put = |address: u32, bytes: &[u8]| memory[address as usize..][..bytes.len()].copy_from_slice(bytes);
    put(FLAGS, &[1; DRAM_SIZE / GRANULE]);
    put(WAYS, ways);
    put(CONTEXT + at::HINTS as u32, hints);
    for (offset, value) in [(at::RAM, RAM), (at::FLAGS, FLAGS), (at::WAYS, WAYS)] {
        put(CONTEXT + offset as u32, &value.to_le_bytes());
    }
    // No jump finds anything: no address is odd.
    put(CONTEXT + at::JUMP_PC as u32, &1_u32.to_le_bytes());
    put(CONTEXT + at::FLASH as u32, &PAGE.to_le_bytes());
    put(PAGE, &(0..1_u32 << MMU_PAGE_BITS).map(flash_byte).collect::<Vec<_>>());

    let mut input = (module.len() as u32).to_le_bytes().to_vec();
    input.extend(&module);
    input.extend(&memory);
    for (trace, x) in runs {
        input.extend((*trace as u32 + 1).to_le_bytes());
        input.extend(x.iter().flat_map(|word| word.to_le_bytes()));
    }
    let numbers = [
        CONTEXT as usize,
        WAYS as usize,
        WAY_BYTES,
        KEPT,
        at::LEFT as usize,
        BUDGET as usize,
        at::EXIT as usize,
        at::PC as usize,
        Left::Look as usize,
        MEMORY,
    ];
    let mut node = Command::new("node")
        .args(["--eval", RUNNER, "--"])
        .args(numbers.map(|number| number.to_string()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(&input).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "node ended with {}", output.status);
    assert_eq!(output.stdout.len(), runs.len() * (KEPT + WAY_BYTES) + MEMORY);
    Some(output.stdout)
}

fn flash_byte(offset: u32) -> u8 {
    (offset.wrapping_mul(0x9E37_79B9) >> 24) as u8
}

fn kept(output: &[u8]) -> impl Iterator<Item = Kept<'_>> {
    output.chunks_exact(KEPT + WAY_BYTES).map(|kept| Kept { context: &kept[..KEPT], ways: &kept[KEPT..] })
}

#[test]
fn a_context_fits_before_the_flags() {
    assert!(size_of::<Context>() <= (FLAGS - CONTEXT) as usize);
}

#[test]
fn random_traces_do_in_node_what_the_other_engines_do() {
    let mut random = StdRng::seed_from_u64(11);
    let cases: Vec<Case> = (0..CASES).map(|_| case(&mut random)).collect();
    let runs: Vec<Begun> = cases.iter().enumerate().map(|(index, case)| (index, case.x)).collect();
    let paths = cases.iter().map(|case| Path { steps: case.path.steps.clone(), next: case.path.next }).collect();
    let Some(output) = run_in_node(paths, &runs, &cache(flash_code())) else { return };

    let mut memory = Memory::bare(0, 0);
    for (index, (case, kept)) in cases.iter().zip(kept(&output)).enumerate() {
        let (mut executed, _) = kept.spent();
        let (expected_x, expected_pc, expected_count) = expected(case, &mut memory);
        if kept.word(at::EXIT) == Left::Look as u32 {
            // The head has taken the whole trace, and this helper gives nothing back.
            assert_eq!(executed as usize, case.path.steps.len());
            executed = expected_count as u32;
        }
        let listing = || format!("case {index}: {case:#x?}");
        assert_eq!(kept.x(), expected_x, "registers of {}", listing());
        assert_eq!(kept.word(at::PC), expected_pc, "pc of {}", listing());
        assert_eq!(u64::from(executed), expected_count, "count of {}", listing());
    }
    let mut ours = vec![0; DRAM_SIZE];
    memory.read(DRAM_BASE, &mut ours).unwrap();
    let theirs = &output[output.len() - MEMORY + RAM as usize..][..DRAM_SIZE];
    assert!(ours == theirs, "memory differs");
    // Lines were marked as used by their code, within the budget; the epoch was 0.
    let marks = marks(kept(&output).nth(CASES - 1).unwrap().ways);
    let by_code = |mark: &u64| mark % 4 == MARK_CODE && mark / 4 <= u64::from(BUDGET);
    assert!(marks.len() >= 5 && marks.iter().all(by_code), "{marks:?}");
}

#[test]
fn loads_from_flash_mark_their_line_or_leave_it_to_the_helper() {
    const RUNS: usize = 1000;
    let (rd, rs1) = (Reg::X9, Reg::X8);
    let pc = 0x4038_0000;
    // Behind the load stands something that does not wait for it, so that the path does not end with a load.
    let steps = vec![
        Step { pc, link: pc + 4, op: Op::Lhu { rd, rs1, imm: 0 } },
        Step { pc: pc + 4, link: pc + 8, op: Op::Addi { rd: Reg::X7, rs1: Reg::X0, imm: 1 } },
    ];
    let mut random = StdRng::seed_from_u64(3);
    // Ten lines of each of two sets, of which eight are there, at every place. No hint is right at first.
    let line_of = |n: u32, set: u32| n << 11 | set << 5;
    let there = (0..8).flat_map(|n| [0, 1].map(|set| FLASH_DATA_BASE + line_of(n, set)));
    let (ways, hints) = cache(there);
    let lines: Vec<(u32, u32)> = (0..RUNS).map(|_| (random.random_range(0..10), random.random_range(0..2))).collect();
    let offsets: Vec<u32> = lines.iter().map(|&(n, set)| line_of(n, set) | (2 * random.random_range(0..16))).collect();
    let x = |offset| std::array::from_fn(|reg| if reg == rs1 as usize { FLASH_DATA_BASE + offset } else { 0 });
    let runs: Vec<Begun> = offsets.iter().map(|&offset| (0, x(offset))).collect();
    let cache = (ways, vec![0; hints.len()]);
    let Some(output) = run_in_node(vec![Path { steps, next: pc + 8 }], &runs, &cache) else { return };

    let mut used = BTreeSet::new();
    for ((kept, offset), (n, set)) in kept(&output).zip(offsets).zip(lines) {
        let value = u32::from(flash_byte(offset)) | u32::from(flash_byte(offset + 1)) << 8;
        let there = n < 8;
        let left = if there { Left::Miss } else { Left::Look };
        assert_eq!(kept.word(at::EXIT), left as u32, "{offset:#x}");
        assert_eq!(kept.x()[rd as usize], if there { value } else { 0 }, "{offset:#x}");
        if there {
            used.insert((n, set));
        }
        // The load is the first of its trace, so that no cycle has passed.
        assert_eq!(marks(kept.ways), vec![4 * u64::from(BUDGET) + MARK_DATA; used.len()], "{offset:#x}");
    }
    assert_eq!(used.len(), 16);
}
