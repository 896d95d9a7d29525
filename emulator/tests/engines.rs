//! Both engines on the same programs: everything the guest and the host can see must agree.

use emulator::bare::Bare;
use emulator::cpu::Reg;
use emulator::engine::{Block, Engine, Exit, Plain};

const RAM: u32 = 0x4038_0000;

/// Sums 1000..=1 into x10, then jumps to itself.
const SUM: [u32; 5] = [
    0x3E80_0593, // addi x11, x0, 1000
    0x00B5_0533, // add x10, x10, x11
    0xFFF5_8593, // addi x11, x11, -1
    0xFE05_9CE3, // bne x11, x0, -8
    0x0000_006F, // jal x0, 0
];

fn sum<E: Engine + Default>() -> Bare<E> {
    let mut bare = Bare::<E>::new(RAM, 0);
    let bytes: Vec<u8> = SUM.iter().flat_map(|word| word.to_le_bytes()).collect();
    bare.load(RAM, &bytes).unwrap();
    assert_eq!(bare.run_instructions(3001), Exit::Instructions);
    bare
}

#[test]
fn a_loop_takes_as_many_instructions_as_it_has() {
    let (plain, block) = (sum::<Plain>(), sum::<Block>());
    assert_eq!(plain.hart.x.get(Reg::X10), 500_500);
    assert_eq!(plain.hart.pc, RAM + 16);
    assert_eq!(plain.hart.now, 3001 * 3);
    assert_eq!(plain.hart, block.hart);
}
