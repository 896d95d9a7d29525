//! What stands behind a trace because it is seldom needed: accesses that do not go to SRAM, and lines of
//! flash that were not the last to be used.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi};

use super::super::context::at;
use super::super::target::{Call, Fetch, MemoryAccess};
use super::{Elsewhere, Emitter, RCX, RDX, What};
use crate::cpu::timing::line_of;
use crate::memory::{DRAM_BASE, FLASH_DATA_BASE, FLASH_WINDOW_SIZE, FlashCache};

impl Emitter {
    pub(super) fn things_elsewhere(&mut self) {
        for Elsewhere { what, begins, back } in std::mem::take(&mut self.elsewhere) {
            asm!(self, =>begins);
            let (word, pc) = match &what {
                What::Access(access) => {
                    self.address_again(access);
                    if !access.store {
                        self.load_from_flash(access, back);
                    }
                    asm!(self, helper:);
                    (Call::access(access).to_word(), access.site.pc)
                }
                What::Fetch(fetch) => {
                    self.fetch_elsewhere(fetch, back);
                    asm!(self, helper:; mov eax, DWORD fetch.site.pc as i32);
                    (Call::fetch(fetch).to_word(), fetch.before)
                }
            };
            asm!(self, mov edx, DWORD word as i32; mov ecx, DWORD pc as i32);
            asm!(self, call QWORD [rbp + at::CALL]; jmp =>back);
        }
    }

    /// Looks up the lines of an instruction of which one was not the last to be used; else goes on at `helper`.
    fn fetch_elsewhere(&mut self, fetch: &Fetch, back: DynamicLabel) {
        let Fetch { first, enters, site, .. } = *fetch;
        let last = site.pc.wrapping_add(site.length - 1);
        let crosses = line_of(last) != line_of(site.pc);
        if first {
            asm!(self, cmp DWORD [rbp + at::LINE], DWORD line_of(site.pc) as i32; je >same);
        }
        if first || enters {
            self.touch_line(site.pc);
        }
        asm!(self, same:);
        if crosses {
            self.touch_line(last);
        }
        asm!(self, jmp =>back);
    }

    fn touch_line(&mut self, address: u32) {
        let (offset, tag) = FlashCache::first_tag(address);
        asm!(self, mov rdx, [rbp + at::TAGS]; add rdx, DWORD offset as i32; mov eax, DWORD tag.into());
        asm!(self, call QWORD [rbp + at::TOUCH]; jc >helper);
    }

    /// eax becomes the address, of which the code that went before has made something else.
    fn address_again(&mut self, access: &MemoryAccess) {
        let size = access.width.bytes();
        if access.store && size > 1 {
            asm!(self, rol eax, BYTE size.trailing_zeros() as i8);
        }
        asm!(self, add eax, DWORD DRAM_BASE as i32);
    }

    /// A load from the flash's data window that is aligned and needs nobody's help; else goes on behind it.
    fn load_from_flash(&mut self, access: &MemoryAccess, back: DynamicLabel) {
        let size = access.width.bytes();
        asm!(self, mov ecx, eax; sub ecx, DWORD FLASH_DATA_BASE as i32);
        asm!(self, cmp ecx, DWORD FLASH_WINDOW_SIZE as i32; jae >helper);
        if size > 1 {
            asm!(self, test al, BYTE size as i8 - 1; jnz >helper);
        }
        asm!(self, mov edx, ecx; shr edx, BYTE 16; cmp QWORD [rbp + rdx * 8 + at::FLASH], BYTE 0; je >helper);
        if self.cost.silicon {
            // The line's set is at bits 10:5, its tag above. A line that was used last costs and changes nothing.
            asm!(self, mov edx, ecx; shr edx, BYTE 1; and edx, DWORD 0x3F0; add rdx, [rbp + at::TAGS]);
            asm!(self, shr ecx, BYTE 11; cmp [rdx], cx; je >found; push rax; mov eax, ecx; call QWORD [rbp + at::TOUCH]);
            asm!(self, pop rax; jc >helper; found:; mov ecx, eax; sub ecx, DWORD FLASH_DATA_BASE as i32);
            asm!(self, mov edx, ecx; shr edx, BYTE 16);
        }
        asm!(self, mov rdx, [rbp + rdx * 8 + at::FLASH]; movzx ecx, cx);
        self.load_from(access, RDX, RCX);
        asm!(self, jmp =>back);
    }
}
