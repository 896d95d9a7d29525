//! Traps, interrupts, WFI and privilege (privileged manual, chapter "Machine-Level ISA").

use emulator::bare::{Bare, DEVICE_LINE, DEVICE_TIMER};
use emulator::cpu::observe::{TrapLog, TrapLogEntry};
use emulator::cpu::{Activity, Cause, Exception, Privilege, Trap};
use emulator::engine::{Block, Engine, Exit, Limits, Plain};

use super::encode::*;
use super::{CODE, Eager, HANDLER, prepared, run, x};

const MSTATUS: u32 = 0x300;
const MTVEC: u32 = 0x305;
const MEPC: u32 = 0x341;
const MCAUSE: u32 = 0x342;
const MIE: u32 = 1 << 3;
const MPIE: u32 = 1 << 7;
const MPP: u32 = 3 << 11;

/// The first instruction of `code` raises `expected`, and changes nothing but what the manual says.
#[track_caller]
pub(crate) fn check_exception(code: &[Code], before: &[(Register, u32)], expected: Exception) {
    let bare = run(1, code, before);
    let csr = &bare.hart.csr;
    assert_eq!(csr.mcause, expected.cause as u32, "mcause of {code:x?}");
    assert_eq!(csr.mtval, expected.tval, "mtval of {code:x?}");
    assert_eq!(csr.mepc, CODE, "mepc of {code:x?}");
    assert_eq!(bare.hart.pc, HANDLER, "the exception goes to BASE");
    assert_eq!((csr.mstatus.mie, csr.mstatus.mpp), (false, Privilege::Machine));
    for &(register, value) in before {
        assert_eq!(x(&bare.hart, register), value, "x{register} after {code:x?}");
    }
}

fn illegal(bits: u32) -> Exception {
    Exception { cause: Cause::IllegalInstruction, tval: bits }
}

#[test]
fn reserved_encodings_are_illegal_and_leave_their_bits_in_mtval() {
    let encodings = [
        0xFFFF_FFFF, // all ones
        0x0000_1067, // jalr with funct3 1
        0x0000_2063, // branch with funct3 2
        0x0000_3063, // branch with funct3 3
        0x0000_3003, // ld
        0x0000_6003, // lwu
        0x0000_7003, // load with funct3 7
        0x0000_3023, // sd
        0x0000_7023, // store with funct3 7
        0x0200_1013, // slli with shamt[5]
        0x0200_5013, // srli with shamt[5]
        0x4200_5013, // srai with shamt[5]
        0x4000_1013, // slli with funct7 0x20
        0x4000_1033, // sll with funct7 0x20
        0x4000_7033, // and with funct7 0x20
        0x0400_0033, // add with funct7 2
        0x0000_001B, // addiw
        0x0000_003B, // addw
        0x0000_2007, // flw
        0x0000_2027, // fsw
        0x0000_0053, // fadd.s
        0x0000_202F, // amoadd.w
        0x1000_202F, // lr.w
        0x0000_200F, // misc-mem with funct3 2
        0x0000_4073, // system with funct3 4
        0x0020_0073, // uret
        0x1020_0073, // sret
        0x7B20_0073, // dret
        0x1200_0073, // sfence.vma
        0x0000_00F3, // ecall with rd
        0x0010_8073, // ebreak with rs1
        0x3020_00F3, // mret with rd
        0x1050_8073, // wfi with rs1
        0x0000_007F, // 48 bits and longer
        0x0000_001F,
        0x0000_000B, // custom-0
        0x0000_0077,
    ];
    for bits in encodings {
        check_exception(&[Code::Word(bits)], &[(5, 6)], illegal(bits));
    }
}

#[test]
fn environment_calls_and_breakpoints() {
    check_exception(&[ECALL], &[], Exception { cause: Cause::EnvironmentCallFromMachine, tval: 0 });
    check_exception(&[EBREAK], &[], Exception { cause: Cause::Breakpoint, tval: CODE });
    check_exception(&[C_EBREAK], &[], Exception { cause: Cause::Breakpoint, tval: CODE });
}

#[test]
fn code_outside_code_memory_cannot_be_fetched() {
    // The data buses of SRAM and ROM, an unmapped flash page, devices, nothing.
    for target in [0x3FC8_0000, 0x3FF0_0000, 0x4200_0000, 0x3C00_0000, 0x6000_0000, 0, 0x4006_0000] {
        let bare = run(2, &[jalr(1, 5, 0)], &[(5, target)]);
        let csr = &bare.hart.csr;
        assert_eq!((csr.mcause, csr.mepc, csr.mtval), (1, target, target));
        assert_eq!(x(&bare.hart, 1), CODE + 4, "the jump itself is done");
    }
    // The second half of an instruction is missing: mtval has the missing part's address.
    let last = 0x403D_FFFE;
    for (half, mtval) in [(Code::Half(0x0013), last + 2), (C_NOP, last + 2)] {
        let mut bare = prepared::<Plain>(&[], &[]);
        bare.load(last, &assemble(&[half])).unwrap();
        bare.hart.pc = last;
        let nop = half == C_NOP;
        bare.run_instructions(if nop { 2 } else { 1 });
        let mepc = if nop { last + 2 } else { last };
        assert_eq!((bare.hart.csr.mcause, bare.hart.csr.mepc, bare.hart.csr.mtval), (1, mepc, mtval));
    }
}

#[test]
fn a_trap_saves_and_mret_restores() {
    for mie in [0, MIE] {
        let handler_code = [csrrs(6, MSTATUS, 0), MRET];
        for_both(|engine| {
            let mut bare = engine(&[ECALL, C_NOP], &[]);
            bare.load(HANDLER, &assemble(&handler_code)).unwrap();
            bare.write_csr(MSTATUS, mie | MPP);
            bare.run_instructions(2);
            assert_eq!(bare.x(6), MPP | if mie == 0 { 0 } else { MPIE }, "MIE moves to MPIE");
            bare.write_csr(MEPC, CODE + 4);
            bare.run_instructions(1);
            assert_eq!(bare.pc(), CODE + 4);
            assert_eq!(bare.csr(MSTATUS), mie | MPIE, "MPIE moves back; MPP is the least privileged mode");
        });
    }
}

#[test]
fn the_vector_base_is_always_in_vectored_mode() {
    let code = [csrrw(0, MTVEC, 1), csrrs(2, MTVEC, 0)];
    for (written, read) in
        [(0x4038_2000, 0x4038_2001), (0x4038_2001, 0x4038_2001), (0x4038_2003, 0x4038_2001), (0x4038_2007, 0x4038_2005)]
    {
        assert_eq!(x(&run(2, &code, &[(1, written)]).hart, 2), read);
    }
}

/// A bare hart of either engine, for tests that touch more than the first run.
trait AnyBare {
    fn load(&mut self, address: u32, bytes: &[u8]) -> Result<(), emulator::bare::LoadError>;
    fn run_instructions(&mut self, count: u64) -> Exit;
    fn run(&mut self, limits: &Limits<'_>, log: &mut TrapLog) -> Exit;
    fn state(&mut self) -> (&mut emulator::cpu::Hart, &mut emulator::bare::TestDevice);

    fn pc(&mut self) -> u32 {
        self.state().0.pc
    }

    fn x(&mut self, register: Register) -> u32 {
        x(self.state().0, register)
    }

    fn csr(&mut self, csr: u32) -> u32 {
        self.state().0.read_csr(csr as u16).unwrap()
    }

    fn write_csr(&mut self, csr: u32, value: u32) {
        self.state().0.write_csr(csr as u16, value).unwrap();
    }
}

impl<E: Engine + Default> AnyBare for Bare<E> {
    fn load(&mut self, address: u32, bytes: &[u8]) -> Result<(), emulator::bare::LoadError> {
        self.load(address, bytes)
    }

    fn run_instructions(&mut self, count: u64) -> Exit {
        self.run_instructions(count)
    }

    fn run(&mut self, limits: &Limits<'_>, log: &mut TrapLog) -> Exit {
        self.run(limits, log)
    }

    fn state(&mut self) -> (&mut emulator::cpu::Hart, &mut emulator::bare::TestDevice) {
        (&mut self.hart, &mut self.device)
    }
}

type Make = dyn Fn(&[Code], &[(Register, u32)]) -> Box<dyn AnyBare>;

fn for_both(test: impl Fn(&Make)) {
    test(&|code, before| Box::new(prepared::<Plain>(code, before)));
    test(&|code, before| Box::new(prepared::<Block>(code, before)));
    test(&|code, before| Box::new(prepared::<Eager>(code, before)));
}

#[test]
fn an_interrupt_is_taken_at_every_boundary_one_instruction_after_it_is_raised() {
    let code = [addi(5, 5, 1), C_NOP, addi(5, 5, 1), sw(5, 6, 0), lw(7, 6, 0), c_j(-18)];
    let boundary_pcs = [0, 4, 6, 10, 14, 18].map(|offset| CODE + offset);
    for latency in [0, 1, 3] {
        for at in 0..40 {
            for_both(|engine| {
                let mut bare = engine(&code, &[(6, super::DATA)]);
                bare.load(HANDLER + 4 * 7, &assemble(&[MRET])).unwrap();
                bare.write_csr(MSTATUS, MIE | MPP);
                bare.state().0.interrupt_latency = latency;
                assert_eq!(bare.run_instructions(at), Exit::Instructions);
                bare.state().1.line = Some(7);
                let mut log = TrapLog::new(10);
                let limits = Limits { instructions: at + latency + 1, ..Limits::NONE };
                assert_eq!(bare.run(&limits, &mut log), Exit::Instructions);
                let entries: Vec<_> = log.entries().collect();
                let [TrapLogEntry::Trap(record), TrapLogEntry::Mret { from, .. }] = entries[..] else {
                    panic!("not one trap and its return, raised at {at}: {entries:?}")
                };
                assert_eq!(record.trap, Trap::Interrupt(7));
                assert_eq!((record.instructions, record.now), (at + latency, 3 * (at + latency)));
                assert_eq!(record.pc, boundary_pcs[(at + latency) as usize % 6], "raised at {at}");
                assert_eq!(record.handler, HANDLER + 4 * 7);
                assert_eq!(*from, HANDLER + 4 * 7);
                assert_eq!(bare.csr(MCAUSE), 0x8000_0007);
            });
        }
    }
}

#[test]
fn a_masked_interrupt_is_taken_one_instruction_after_it_is_enabled() {
    // The line is up from the start; mstatus.MIE is set by the third instruction.
    let code = [addi(5, 5, 1), addi(5, 5, 1), csrrsi(0, MSTATUS, 8), addi(5, 5, 1), addi(5, 5, 1)];
    for_both(|engine| {
        let mut bare = engine(&code, &[]);
        bare.load(HANDLER + 4 * 3, &assemble(&[jal(0, 0)])).unwrap();
        bare.state().1.line = Some(3);
        assert_eq!(bare.run_instructions(5), Exit::Instructions);
        assert_eq!(bare.csr(MEPC), CODE + 16, "one instruction after the CSR write still ran");
        assert_eq!(bare.x(5), 3);
    });
}

#[test]
fn an_interrupt_that_goes_away_in_its_latency_is_not_taken() {
    // A store raises the line, the next one takes it back.
    let code = [sw(5, 6, 0), sw(0, 6, 0), addi(7, 7, 1), addi(7, 7, 1)];
    for_both(|engine| {
        let mut bare = engine(&code, &[(5, 4), (6, DEVICE_LINE)]);
        bare.write_csr(MSTATUS, MIE | MPP);
        bare.run_instructions(4);
        assert_eq!((bare.pc(), bare.x(7)), (CODE + 16, 2));
    });
}

#[test]
fn a_timer_interrupts_at_its_exact_tick() {
    // The timer is set to 3 * 10 + 1 ticks from the store at tick 3.
    let code = [addi(5, 0, 31), sw(5, 6, 0), c_addi(7, 1), c_j(-2)];
    for_both(|engine| {
        let mut bare = engine(&code, &[(6, DEVICE_TIMER)]);
        bare.write_csr(MSTATUS, MIE | MPP);
        bare.load(HANDLER + 4, &assemble(&[jal(0, 0)])).unwrap();
        let mut log = TrapLog::new(1);
        bare.run(&Limits { instructions: 40, ..Limits::NONE }, &mut log);
        let Some(TrapLogEntry::Trap(record)) = log.entries().next() else { panic!("no trap") };
        // The first boundary at or after tick 34 is that of instruction 12; one more runs.
        assert_eq!((record.instructions, record.now), (13, 39));
    });
}

#[test]
fn waiting_lasts_until_the_next_event_and_is_counted_apart() {
    let code = [addi(5, 0, 1000), sw(5, 6, 0), WFI, addi(7, 0, 1), jal(0, 0)];
    for_both(|engine| {
        for (mie, pc) in [(0, CODE + 16), (MIE, HANDLER + 4)] {
            let mut bare = engine(&code, &[(6, DEVICE_TIMER)]);
            bare.load(HANDLER + 4, &assemble(&[jal(0, 0)])).unwrap();
            bare.write_csr(MSTATUS, mie | MPP);
            assert_eq!(bare.run_instructions(4), Exit::Instructions);
            let hart = bare.state().0.clone();
            // The event at tick 1003 is seen at the next whole cycle, 1005; three instructions ran before.
            assert_eq!((hart.idle_ticks, hart.idle_cycles), (1005 - 9, (1005 - 9) / 3));
            assert_eq!((hart.now, hart.instructions), (1008, 4));
            assert_eq!(hart.pc, pc, "without MIE it goes on behind the WFI, with MIE at the handler");
            assert_eq!(hart.csr.mepc, if mie == 0 { 0 } else { CODE + 12 });
        }
    });
}

#[test]
fn waiting_for_nothing_ends_the_run() {
    for_both(|engine| {
        let mut bare = engine(&[WFI, C_NOP], &[]);
        assert_eq!(bare.run_instructions(10), Exit::Idle);
        let mut log = TrapLog::new(0);
        assert_eq!(bare.run(&Limits { tick: 1000, ..Limits::NONE }, &mut log), Exit::Tick);
        assert_eq!(bare.state().0.now, 1002, "whole cycles pass");
        bare.state().1.line = Some(1);
        assert_eq!(bare.run_instructions(1), Exit::Instructions);
        assert_eq!(bare.pc(), CODE + 6, "an interrupt ends the waiting even if it is not taken");
    });
}

#[test]
fn user_mode_may_not_touch_machine_state() {
    let enter = [csrrw(0, MEPC, 5), csrrw(0, MSTATUS, 0), MRET];
    let user = CODE + 12;
    let rows = [
        (ECALL, Cause::EnvironmentCallFromUser, 0),
        (MRET, Cause::IllegalInstruction, 0x3020_0073),
        (csrrs(1, MSTATUS, 0), Cause::IllegalInstruction, 0x3000_20F3),
        (csrrs(1, 0xF14, 0), Cause::IllegalInstruction, 0xF140_20F3),
        (csrrs(1, 0xC00, 0), Cause::IllegalInstruction, 0xC000_20F3),
    ];
    for (code, cause, tval) in rows {
        let program = [&enter[..], &[code]].concat();
        let bare = run(4, &program, &[(5, user)]);
        let csr = &bare.hart.csr;
        assert_eq!((csr.mcause, csr.mtval, csr.mepc), (cause as u32, tval, user), "{code:x?}");
        assert_eq!((csr.mstatus.mpp, bare.hart.privilege), (Privilege::User, Privilege::Machine));
    }
    let program = [&[csrrwi(0, 0x800, 1)], &enter[..], &[csrrs(1, 0x802, 0)]].concat();
    assert_eq!(x(&run(5, &program, &[(5, user + 4)]).hart, 1), 3, "the user's cycle counter can be read");
    // Interrupts are always enabled in user mode.
    let program = [&enter[..], &[C_NOP, C_NOP, C_NOP]].concat();
    for_both(|engine| {
        let mut bare = engine(&program, &[(5, user)]);
        bare.load(HANDLER + 4 * 2, &assemble(&[jal(0, 0)])).unwrap();
        bare.state().1.line = Some(2);
        bare.run_instructions(5);
        assert_eq!((bare.csr(MCAUSE), bare.csr(MEPC)), (0x8000_0002, user + 2));
    });
}

#[test]
fn a_handler_that_cannot_be_executed_locks_up() {
    for_both(|engine| {
        let mut bare = engine(&[ECALL], &[]);
        // Zero bits at the handler: illegal.
        let fault = illegal(0);
        assert_eq!(bare.run_instructions(100), Exit::Lockup(fault));
        assert_eq!(bare.state().0.instructions, 2);
        assert_eq!(bare.state().0.activity, Activity::LockedUp(fault));
        assert_eq!(bare.run_instructions(100), Exit::Lockup(fault), "nothing can end it");
        let mut log = TrapLog::new(1);
        assert_eq!(bare.run(&Limits { tick: 600, ..Limits::NONE }, &mut log), Exit::Tick, "but time goes on");
        bare.state().0.reset(CODE);
        assert_eq!(bare.state().0.activity, Activity::Running);
        assert_eq!(bare.state().0.now, 600);
        assert_eq!(bare.csr(0x7E2), 0, "the counters begin anew");
    });
}

#[test]
fn breakpoints_stop_before_their_instruction_and_let_go_on() {
    let code = [addi(5, 5, 1), addi(5, 5, 1), C_NOP, c_j(-10)];
    for_both(|engine| {
        let mut bare = engine(&code, &[]);
        let mut log = TrapLog::new(0);
        let mut limits = Limits { instructions: 100, breakpoints: &[CODE + 4, CODE + 10], ..Limits::NONE };
        for stop in 0..10 {
            let at = if stop % 2 == 0 { CODE + 4 } else { CODE + 10 };
            assert_eq!(bare.run(&limits, &mut log), Exit::Breakpoint(at));
            assert_eq!(bare.pc(), at);
            assert_eq!(bare.state().0.instructions, [1, 3, 5, 7, 9, 11, 13, 15, 17, 19][stop]);
            assert_eq!(bare.run(&limits, &mut log), Exit::Breakpoint(at), "it stands there until told to go on");
            limits.resume_at = Some(bare.state().0.instructions);
        }
        // Without them the same blocks run through.
        assert_eq!(bare.run(&Limits { instructions: 100, ..Limits::NONE }, &mut log), Exit::Instructions);
        assert_eq!(bare.state().0.instructions, 100);
    });
}
