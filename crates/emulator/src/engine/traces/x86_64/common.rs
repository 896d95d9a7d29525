//! What all traces of an arena use: the way in, the ways out, the call of the helper, the search for a line.

use dynasmrt::{DynasmApi, DynasmLabelApi};

use super::super::context::at;
use super::super::state::{HINTS, Left};
use super::super::target::{NotEncodable, REQUEST_KINDS, Target};
use super::Emitter;
use crate::memory::FlashCache;

/// Where the parts of the common code begin.
pub(in super::super) struct Common {
    /// `extern "C" fn(context, code)`.
    pub(in super::super) enter: usize,
    pub(in super::super) miss: usize,
    pub(in super::super) budget: usize,
    pub(in super::super) call: usize,
    pub(in super::super) touch: usize,
}

impl Emitter {
    /// Emits what all traces use, and says where its parts begin.
    pub(in super::super) fn common(&mut self, place: &mut Vec<u8>) -> Result<Common, NotEncodable> {
        let enter = self.ops.offset().0;
        asm!(self, push rbx; push rbp; push r12; push r13; push r14; push r15; sub rsp, 8);
        asm!(self, mov rax, rsi; mov rbp, rdi; mov rbx, [rbp + at::RAM]; mov r15, [rbp + at::BUDGET]);
        self.load_homes();
        asm!(self, jmp rax);

        let miss = self.ops.offset().0;
        asm!(self, mov DWORD [rbp + at::EXIT], Left::Miss as i32; jmp >leave);
        let budget = self.ops.offset().0;
        asm!(self, mov DWORD [rbp + at::EXIT], Left::Budget as i32; leave:);
        asm!(self, mov [rbp + at::PC], eax; mov [rbp + at::BUDGET], r15);
        self.store_homes();
        asm!(self, leave_stored:; add rsp, 8; pop r15; pop r14; pop r13; pop r12; pop rbp; pop rbx; ret);

        // eax: address; edx: what is asked for; ecx: pc. The call left the stack 8 bytes off its alignment.
        let call = self.ops.offset().0;
        asm!(self, mov[rbp + at::BUDGET], r15);
        self.store_homes();
        asm!(self, mov rdi, rbp; mov esi, eax; mov eax, edx; and eax, BYTE REQUEST_KINDS as i8 - 1);
        asm!(self, sub rsp, 8; call QWORD [rbp + rax * 8 + at::HELPERS]; add rsp, 8);
        asm!(self, test eax, eax; jnz >gone; mov r15, [rbp + at::BUDGET]);
        self.load_homes();
        asm!(self, ret; gone:; add rsp, 8; jmp <leave_stored);
        let touch = self.touch();
        self.finish(place)?;
        Ok(Common { enter, miss, budget, call, touch })
    }

    /// Finds the way that holds the line of flash in eax: rdx becomes its address, and the hint leads there from now on.
    /// With the carry flag set there is none.
    fn touch(&mut self) -> usize {
        const SET_SIZE: usize = FlashCache::WAYS * FlashCache::WAY_SIZE;
        const { assert!(FlashCache::SETS.is_power_of_two() && SET_SIZE.is_power_of_two() && HINTS.is_power_of_two()) };
        let touch = self.ops.offset().0;
        asm!(self, mov edx, eax; and edx, DWORD FlashCache::SETS as i32 - 1);
        asm!(self, shl edx, BYTE SET_SIZE.trailing_zeros() as i8; add rdx, [rbp + at::WAYS]);
        for _ in 0..FlashCache::WAYS {
            asm!(self, cmp [BYTE rdx + FlashCache::LINE as i8], eax; je >found; add rdx, BYTE FlashCache::WAY_SIZE as i8);
        }
        asm!(self, stc; ret);
        asm!(self, found:; sub rdx, [rbp + at::WAYS]; and eax, DWORD HINTS as i32 - 1);
        asm!(self, mov [rbp + rax * 2 + at::HINTS], dx; add rdx, [rbp + at::WAYS]; clc; ret);
        touch
    }
}
