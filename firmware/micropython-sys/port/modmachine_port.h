// The machine module beyond extmod/modmachine.c, which includes this file.
#include "port/firmware.h"
#include "port/machine.h"

static void mp_machine_idle(void) {
    mp_event_wait_ms(1);
}

MP_NORETURN static void mp_machine_reset(void) {
    fw_chip_reset();
}

MP_NORETURN void mp_machine_bootloader(size_t n_args, const mp_obj_t *args) {
    fw_chip_bootloader();
}

static mp_int_t mp_machine_reset_cause(void) {
    return fw_reset_cause();
}

static mp_obj_t port_machine_freq(void) {
    return MP_OBJ_NEW_SMALL_INT(160000000);
}
static MP_DEFINE_CONST_FUN_OBJ_0(port_machine_freq_obj, port_machine_freq);

// Masks the interrupt lines that lessons use. Callbacks that are already queued still run at any safe point,
// as on the official port; the firmware's own interrupts go on, so that telemetry and Stop do.
static mp_obj_t machine_disable_irq(void) {
    return MP_OBJ_NEW_SMALL_INT(fw_lesson_irq_disable());
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_disable_irq_obj, machine_disable_irq);

static mp_obj_t machine_enable_irq(mp_obj_t state) {
    fw_lesson_irq_enable(mp_obj_get_int(state));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_enable_irq_obj, machine_enable_irq);

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_freq), MP_ROM_PTR(&port_machine_freq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_disable_irq), MP_ROM_PTR(&machine_disable_irq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_enable_irq), MP_ROM_PTR(&machine_enable_irq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_Timer), MP_ROM_PTR(&machine_timer_type) }, \
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&machine_pin_type) },
