// Types of the machine module and the interrupt dispatch that they share.
#ifndef ISRLAB_MACHINE_H
#define ISRLAB_MACHINE_H

#include "py/obj.h"
#include "port/firmware.h"

extern const mp_obj_type_t machine_timer_type;
extern const mp_obj_type_t machine_pin_type;
extern const mp_obj_type_t machine_rtc_type;
extern const mp_obj_type_t machine_i2c_type;
extern const mp_obj_type_t machine_spi_type;

typedef struct {
    mp_obj_base_t base;
    uint8_t slot;
    bool repeat;
    uint64_t period_ticks;
} machine_timer_obj_t;

// The Timer object of a slot; made once, so that it can be given to a callback without allocating.
machine_timer_obj_t *machine_timer_object(uint32_t slot);
// Starts a timer: `hard` and `priority` as in Timer.init. Raises ValueError.
void machine_timer_start(machine_timer_obj_t *self, mp_obj_t callback, bool hard, mp_int_t priority);
// The slot of a pin's interrupt.
int machine_pin_slot(mp_obj_t pin);

// Silences every pin of machine.PWM; called when the VM ends.
void machine_pwm_deinit_all(void);

// irq.c: gives a slot its callback and the callback's argument. Call with the slot's interrupt off.
void port_irq_attach(uint32_t slot, mp_obj_t callback, mp_obj_t argument);
mp_obj_t port_irq_callback(uint32_t slot);
// Runs `function(argument)` once inside an interrupt of lesson priority; returns PORT_HARD_*.
int port_irq_fire(mp_obj_t function, mp_obj_t argument);
void port_report_exception(uint32_t context, mp_obj_t exception);
// Levels of lesson interrupts that Python may ask for.
#define PORT_PRIORITY_MIN (1)
#define PORT_PRIORITY_MAX (7)
mp_int_t port_irq_priority(mp_int_t priority);

#endif
