//! The functions that all traces of a module use.
//!
//! Parameters come first among a function's locals; the first of all is the context.

use wasm_encoder::{BlockType, Function, InstructionSink, ValType};

use super::super::state::{HINTS, MARK_CODE, MARK_DATA};
use super::body::{CONTEXT, jump_to, load, mark_used, place, word_at};
use super::context::at;
use crate::bus::Width;
use crate::memory::{DRAM_BASE, FLASH_DATA_BASE, FLASH_WINDOW_SIZE, FlashCache, MMU_PAGE_BITS};

/// Numbers of functions. The helper is imported; see `frame`.
pub(super) const HELP: u32 = 0;
pub(super) const RUN: u32 = 1;
const TOUCH: u32 = 2;
pub(super) const JUMP: u32 = 3;
pub(super) const FETCH: u32 = 4;
const LOADS: u32 = 5;
/// The number of the first trace.
pub(super) const TRACES: u32 = LOADS + WIDTHS.len() as u32;

/// What loads differ in.
const WIDTHS: [(Width, bool); 5] =
    [(Width::Byte, true), (Width::Byte, false), (Width::Half, true), (Width::Half, false), (Width::Word, false)];

/// The types of functions, in their order in the module: parameters and results, all of them words of 32 bits.
pub(super) const TYPES: [(usize, usize); 6] = [(1, 1), (4, 1), (2, 0), (2, 1), (4, 2), (3, 1)];
pub(super) const TRACE_TYPE: u32 = 0;
pub(super) const HELP_TYPE: u32 = 1;
const RUN_TYPE: u32 = 2;
const ADDRESS_TYPE: u32 = 3;
const LOAD_TYPE: u32 = 4;
const TOUCH_TYPE: u32 = 5;

/// Which function carries out loads of this kind that do not go to SRAM.
pub(super) fn load_elsewhere(width: Width, signed: bool) -> u32 {
    let signed = signed && width != Width::Word;
    LOADS + WIDTHS.iter().position(|&kind| kind == (width, signed)).unwrap_or_default() as u32
}

/// All of them with their types, from [`RUN`] on.
pub(super) fn functions() -> Vec<(Function, u32)> {
    let mut functions = vec![(run(), RUN_TYPE), (touch(), TOUCH_TYPE), (jump(), ADDRESS_TYPE), (fetch(), HELP_TYPE)];
    functions.extend(WIDTHS.map(|(width, signed)| (loads(width, signed), LOAD_TYPE)));
    functions
}

/// `(context, trace)`: runs a trace and what it leads to.
fn run() -> Function {
    const TRACE: u32 = 1;
    let mut function = Function::new([]);
    let mut sink = function.instructions();
    sink.loop_(BlockType::Empty).local_get(CONTEXT).local_get(TRACE).call_indirect(0, TRACE_TYPE).local_tee(TRACE);
    sink.br_if(0).end().end();
    function
}

/// `(context, address) -> trace`: where a jump to an address goes on.
fn jump() -> Function {
    let mut function = Function::new([(1, ValType::I32)]);
    jump_to(&mut function.instructions(), 1, 2);
    function.instructions().unreachable().end();
    function
}

/// `(context, address, later) -> found`: uses a line of flash that is in the cache; `later` is as for [`mark_used`].
fn touch() -> Function {
    const ADDRESS: u32 = 1;
    const LATER: u32 = 2;
    const LINE: u32 = 3;
    const HINT: u32 = 4;
    const WAYS: u32 = 5;
    const WAY: u32 = 6;
    const SET_SIZE: usize = FlashCache::WAYS * FlashCache::WAY_SIZE;
    const { assert!(FlashCache::SETS.is_power_of_two() && SET_SIZE.is_power_of_two() && HINTS.is_power_of_two()) };
    /// Pushes whether the way holds the line.
    fn holds(sink: &mut InstructionSink<'_>) {
        sink.local_get(WAY).i32_load(word_at(FlashCache::LINE as u64)).local_get(LINE).i32_eq();
    }

    let mut function = Function::new([(4, ValType::I32)]);
    let mut sink = function.instructions();
    sink.local_get(ADDRESS).i32_const(FlashCache::WINDOW_MASK as i32).i32_and();
    sink.i32_const(FlashCache::LINE_BITS as i32).i32_shr_u().local_tee(LINE).i32_const(HINTS as i32 - 1).i32_and();
    sink.i32_const(1).i32_shl().local_get(CONTEXT).i32_add().local_tee(HINT).i32_load16_u(place(at::HINTS, 1));
    sink.local_get(CONTEXT).i32_load(word_at(at::WAYS)).local_tee(WAYS).i32_add().local_set(WAY);
    sink.block(BlockType::Empty);
    holds(&mut sink);
    sink.br_if(0).block(BlockType::Empty).local_get(LINE).i32_const(FlashCache::SETS as i32 - 1).i32_and();
    sink.i32_const(SET_SIZE.trailing_zeros() as i32).i32_shl().local_get(WAYS).i32_add().local_set(WAY);
    for way in 0..FlashCache::WAYS {
        if way > 0 {
            sink.local_get(WAY).i32_const(FlashCache::WAY_SIZE as i32).i32_add().local_set(WAY);
        }
        holds(&mut sink);
        sink.br_if(0);
    }
    sink.i32_const(0).return_().end();
    sink.local_get(HINT).local_get(WAY).local_get(WAYS).i32_sub().i32_store16(place(at::HINTS, 1)).end();
    mark_used(&mut sink, WAY, |sink| {
        sink.local_get(LATER).i64_extend_i32_u();
    });
    sink.i32_const(1).end();
    function
}

/// Of a call on the stack keeps 4 times what is not spent, with this mark added (`Call::to_word`).
fn later(sink: &mut InstructionSink<'_>, mark: u64) {
    sink.i32_const(18).i32_shr_u().i32_const(2).i32_shl().i32_const(mark as i32).i32_add();
}

/// `(context, pc, call, back) -> gone`, where `back` is the way from the pc back to the last byte of the instruction before:
/// looks up the lines of an instruction of which one was not where its hint says.
fn fetch() -> Function {
    const PC: u32 = 1;
    const CALL: u32 = 2;
    const BACK: u32 = 3;
    const LAST: u32 = 4;
    let mut function = Function::new([(1, ValType::I32)]);
    let mut sink = function.instructions();
    // Of the call bit 2 is `first`, bit 3 `enters`, and bit 10 set for an instruction of 4 bytes (`Call::to_word`).
    sink.local_get(CALL).i32_const(9).i32_shr_u().i32_const(2).i32_and().local_get(PC).i32_add().i32_const(1).i32_add();
    sink.local_set(LAST).block(BlockType::Empty).block(BlockType::Empty);
    sink.local_get(CALL).i32_const(8).i32_and().i32_eqz().br_if(0);
    // The trace's first instruction enters a line unless the program was there.
    sink.local_get(CALL).i32_const(4).i32_and().if_(BlockType::Empty).local_get(CONTEXT).i32_load(word_at(at::LINE));
    sink.local_get(PC).i32_const(5).i32_shr_u().i32_eq().br_if(1).end();
    sink.local_get(CONTEXT).local_get(PC).local_get(CALL);
    later(&mut sink, MARK_CODE);
    sink.call(TOUCH).i32_eqz().br_if(1).end();
    sink.local_get(LAST).local_get(PC).i32_xor().i32_const(5).i32_shr_u().if_(BlockType::Empty);
    sink.local_get(CONTEXT).local_get(LAST).local_get(CALL);
    later(&mut sink, MARK_CODE);
    sink.call(TOUCH).i32_eqz().br_if(1).end();
    sink.i32_const(0).return_().end();
    sink.local_get(CONTEXT).local_get(PC).local_get(CALL).local_get(PC).local_get(BACK).i32_sub().call(HELP).end();
    function
}

/// `(context, address less DRAM_BASE, call, pc) -> (value, gone)`: a load from flash that is aligned and needs nobody's help;
/// all others are the helper's.
fn loads(width: Width, signed: bool) -> Function {
    const ADDRESS: u32 = 1;
    const CALL: u32 = 2;
    const PC: u32 = 3;
    const OFFSET: u32 = 4;
    const PAGE: u32 = 5;
    let mut function = Function::new([(2, ValType::I32)]);
    let mut sink = function.instructions();
    sink.block(BlockType::Empty).local_get(ADDRESS).i32_const(DRAM_BASE.wrapping_sub(FLASH_DATA_BASE) as i32).i32_add();
    sink.local_tee(OFFSET).i32_const(FLASH_WINDOW_SIZE as i32).i32_ge_u().br_if(0);
    if width != Width::Byte {
        sink.local_get(OFFSET).i32_const(width.bytes() as i32 - 1).i32_and().br_if(0);
    }
    sink.local_get(OFFSET).i32_const(MMU_PAGE_BITS as i32).i32_shr_u().i32_const(2).i32_shl();
    sink.local_get(CONTEXT).i32_add().i32_load(word_at(at::FLASH)).local_tee(PAGE).i32_eqz().br_if(0);
    sink.local_get(CONTEXT).local_get(OFFSET).local_get(CALL);
    later(&mut sink, MARK_DATA);
    sink.call(TOUCH).i32_eqz().br_if(0);
    sink.local_get(OFFSET).i32_const((1 << MMU_PAGE_BITS) - 1).i32_and().local_get(PAGE).i32_add();
    load(&mut sink, width, signed);
    sink.i32_const(0).return_().end();
    sink.local_get(CONTEXT).local_get(ADDRESS).i32_const(DRAM_BASE as i32).i32_add().local_get(CALL).local_get(PC);
    sink.call(HELP).local_set(PAGE);
    // Bits 5 to 9 of the call are the register, which holds what was loaded now.
    sink.local_get(CALL).i32_const(5).i32_shr_u().i32_const(31).i32_and().i32_const(2).i32_shl();
    sink.local_get(CONTEXT).i32_add().i32_load(word_at(at::X)).local_get(PAGE).end();
    function
}
