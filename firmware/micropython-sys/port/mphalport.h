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

static inline mp_uint_t port_cycles(void) {
    mp_uint_t cycles;
    __asm volatile ("csrr %0, 0x7E2" : "=r" (cycles));
    return cycles;
}
// A cycle of the CPU each, as on the official port; the firmware switches the counter on.
#define mp_hal_ticks_cpu() port_cycles()

// Pins are numbers here, as on the official port. Registers: ESP32-C3 TRM, 5.14.1 "GPIO Matrix Registers".
#define mp_hal_pin_obj_t mp_uint_t
#define MP_HAL_PIN_FMT "%u"
#define mp_hal_pin_name(pin) (pin)
mp_hal_pin_obj_t machine_pin_get_id(void *id);
#define mp_hal_get_pin_obj(id) machine_pin_get_id(id)
#define PORT_GPIO(offset) (*(volatile uint32_t *)(0x60004000 + (offset)))
static inline int mp_hal_pin_read(mp_hal_pin_obj_t pin) {
    return PORT_GPIO(0x3C) >> pin & 1;
}
static inline void mp_hal_pin_write(mp_hal_pin_obj_t pin, int level) {
    PORT_GPIO(level ? 0x08 : 0x0C) = 1u << pin;
}
void fw_pin_configure(uint32_t pin, int32_t mode, int32_t pull, int32_t drive);
static inline void mp_hal_pin_input(mp_hal_pin_obj_t pin) {
    fw_pin_configure(pin, 1, -1, -1);
}
static inline void mp_hal_pin_output(mp_hal_pin_obj_t pin) {
    fw_pin_configure(pin, 3, -1, -1);
}
static inline void mp_hal_pin_open_drain(mp_hal_pin_obj_t pin) {
    fw_pin_configure(pin, 7, -1, -1);
}
static inline void mp_hal_pin_od_low(mp_hal_pin_obj_t pin) {
    mp_hal_pin_write(pin, 0);
}
static inline void mp_hal_pin_od_high(mp_hal_pin_obj_t pin) {
    mp_hal_pin_write(pin, 1);
}

// Where microseconds count, nothing interrupts.
#define mp_hal_quiet_timing_enter() port_interrupts_off()
#define mp_hal_quiet_timing_exit(state) port_interrupts_restore(state)
void mp_hal_delay_us_fast(mp_uint_t us);

// Sleeps until an interrupt has something for the VM, or the time is over (-1: no limit).
void fw_wait(int32_t timeout_ms);
void fw_doze_us(uint32_t timeout_us);
#define MICROPY_INTERNAL_WFE(timeout_ms) fw_wait((int32_t)(timeout_ms))

#endif
