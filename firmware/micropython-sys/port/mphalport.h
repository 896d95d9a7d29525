// What the core asks of the machine. Functions named fw_* are Rust, see ../src/lib.rs.
#ifndef ISRLAB_MPHALPORT_H
#define ISRLAB_MPHALPORT_H

#include <stdint.h>
#include "py/mpconfig.h"
#include "shared/runtime/interrupt_char.h"

// Sections of a few instructions that even the firmware's own interrupts must not enter.
static inline mp_uint_t port_interrupts_off(void) {
    mp_uint_t mstatus;
    __asm volatile ("csrrci %0, mstatus, 8" : "=r" (mstatus) : : "memory");
    return mstatus & 8;
}
static inline void port_interrupts_restore(mp_uint_t mie) {
    __asm volatile ("csrs mstatus, %0" : : "r" (mie) : "memory");
}
#define MICROPY_BEGIN_ATOMIC_SECTION() port_interrupts_off()
#define MICROPY_END_ATOMIC_SECTION(state) port_interrupts_restore(state)

// Sleeps until an interrupt has something for the VM, or the time is over (-1: no limit).
void fw_wait(int32_t timeout_ms);
void fw_doze(int32_t timeout_ms);
#define MICROPY_INTERNAL_WFE(timeout_ms) fw_wait((int32_t)(timeout_ms))

#endif
