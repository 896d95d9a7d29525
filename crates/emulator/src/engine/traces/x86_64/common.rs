//! What all traces of an arena use: the way in, the ways out, the call of the helper, the look-up of a line.

use dynasmrt::{DynasmApi, DynasmLabelApi};

use super::super::context::{Left, at};
use super::super::target::{NotEncodable, Target};
use super::Emitter;

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
        asm!(self, mov rdi, rbp; mov esi, eax; sub rsp, 8; call QWORD [rbp + at::HELPER]; add rsp, 8);
        asm!(self, test eax, eax; jnz >gone; mov r15, [rbp + at::BUDGET]);
        self.load_homes();
        asm!(self, ret; gone:; add rsp, 8; jmp <leave_stored);
        let touch = self.touch();
        self.finish(place)?;
        Ok(Common { enter, miss, budget, call, touch })
    }

    /// Looks a line of flash up: eax is its tag, rdx its set. As `FlashCache::misses` does it, but all eight tags at
    /// once. With the carry flag set nothing has happened: the budget is so close to its end that
    /// a line that is not there might end it, or the processor lacks the instructions (SSSE3).
    fn touch(&mut self) -> usize {
        let touch = self.ops.offset().0;
        if !has_byte_shuffles() {
            asm!(self, stc; ret);
            return touch;
        }
        asm!(self, cmp r15, [rbp + at::TWO_MISSES]; jl >no; movd xmm0, eax; pshuflw xmm0, xmm0, 0; pshufd xmm0, xmm0, 0);
        asm!(self, movdqu xmm1, [rdx]; pcmpeqw xmm0, xmm1; pmovmskb ecx, xmm0; test ecx, ecx; jz >absent);
        // Two bits for each tag: twice the index. There are eight orders to bring a tag to the front.
        asm!(self, bsf ecx, ecx; shl ecx, BYTE 3; lea rax, [>orders]; movdqu xmm0, [rax + rcx]; pshufb xmm1, xmm0);
        asm!(self, movdqu [rdx], xmm1; clc; ret);
        asm!(self, absent:; sub r15, [rbp + at::MISS_CYCLES]; pslldq xmm1, 2; pinsrw xmm1, eax, 0);
        asm!(self, movdqu [rdx], xmm1; clc; ret; no:; stc; ret; .align 16; orders:);
        for front in 0..8_u8 {
            for place in 0..8_u8 {
                let from = match place {
                    0 => front,
                    _ if place <= front => place - 1,
                    _ => place,
                };
                asm!(self, .bytes [2 * from, 2 * from + 1]);
            }
        }
        touch
    }
}

/// Whether this processor has SSSE3: asked for, not assumed.
#[cfg(target_arch = "x86_64")]
fn has_byte_shuffles() -> bool {
    std::arch::is_x86_feature_detected!("ssse3")
}
