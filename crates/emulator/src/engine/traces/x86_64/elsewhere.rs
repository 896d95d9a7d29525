//! What stands behind a trace because it is seldom needed: accesses that do not go to SRAM, and lines of
//! flash that are not where they are looked for first.

use dynasmrt::{DynamicLabel, DynasmApi, DynasmLabelApi};

use super::super::context::at;
use super::super::state::{HINTS, MARK_DATA};
use super::super::target::{Call, MemoryAccess};
use super::{Elsewhere, Emitter, RCX, RDX, What};
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
                What::Line { line, nowhere } => {
                    asm!(self, mov eax, DWORD *line as i32; call QWORD [rbp + at::TOUCH]; jc =>*nowhere; jmp =>back);
                    continue;
                }
                What::Csr { rd, access, site } => {
                    self.call_for_csr(*rd, *access, *site);
                    asm!(self, jmp =>back);
                    continue;
                }
                What::Fetch(fetch) => {
                    asm!(self, mov eax, DWORD fetch.site.pc as i32);
                    (Call::fetch(fetch).to_word(), fetch.before)
                }
            };
            asm!(self, mov edx, DWORD word as i32; mov ecx, DWORD pc as i32);
            asm!(self, call QWORD [rbp + at::CALL]; jmp =>back);
        }
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
            const { assert!(HINTS.is_power_of_two()) };
            asm!(self, mov eax, ecx; shr eax, BYTE FlashCache::LINE_BITS as i8; mov edx, eax);
            asm!(self, and edx, DWORD HINTS as i32 - 1; movzx edx, WORD [rbp + rdx * 2 + at::HINTS]);
            asm!(self, add rdx, [rbp + at::WAYS]; cmp [BYTE rdx + FlashCache::LINE as i8], eax; je >found);
            asm!(self, call QWORD [rbp + at::TOUCH]; jnc >found);
            asm!(self, lea eax, [rcx + FLASH_DATA_BASE as i32]; jmp >helper; found:);
            self.mark_used(access.site.unspent, MARK_DATA);
            asm!(self, mov edx, ecx; shr edx, BYTE 16);
        }
        asm!(self, mov rdx, [rbp + rdx * 8 + at::FLASH]; movzx ecx, cx);
        self.load_from(access, RDX, RCX);
        asm!(self, jmp =>back);
    }
}
