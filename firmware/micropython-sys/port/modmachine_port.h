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

static mp_obj_t mp_machine_unique_id(void) {
    uint8_t mac[6];
    fw_unique_id(mac);
    return mp_obj_new_bytes(mac, sizeof(mac));
}

#define CPU_HZ (160000000)

static mp_obj_t mp_machine_get_freq(void) {
    return MP_OBJ_NEW_SMALL_INT(CPU_HZ);
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    if (mp_obj_get_int(args[0]) != CPU_HZ) {
        mp_raise_ValueError(MP_ERROR_TEXT("this firmware runs at 160 MHz only, since its instruments count in it"));
    }
}

// A time that is missing, or none, is for ever.
static int32_t sleep_ms(size_t n_args, const mp_obj_t *args) {
    return n_args == 0 ? -1 : mp_obj_get_int(args[0]);
}

static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    fw_light_sleep(sleep_ms(n_args, args));
}

MP_NORETURN static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    fw_deep_sleep(sleep_ms(n_args, args));
}

static mp_obj_t machine_wake_reason(void) {
    return MP_OBJ_NEW_SMALL_INT(fw_wake_reason());
}
static MP_DEFINE_CONST_FUN_OBJ_0(machine_wake_reason_obj, machine_wake_reason);

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

// The numbers are those of ports/esp32/modmachine.c, and of ESP-IDF's esp_sleep_source_t.
#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_sleep), MP_ROM_PTR(&machine_lightsleep_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_disable_irq), MP_ROM_PTR(&machine_disable_irq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_enable_irq), MP_ROM_PTR(&machine_enable_irq_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_Timer), MP_ROM_PTR(&machine_timer_type) }, \
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&machine_pin_type) }, \
    { MP_ROM_QSTR(MP_QSTR_RTC), MP_ROM_PTR(&machine_rtc_type) }, \
    { MP_ROM_QSTR(MP_QSTR_I2C), MP_ROM_PTR(&machine_i2c_type) }, \
    { MP_ROM_QSTR(MP_QSTR_SPI), MP_ROM_PTR(&machine_spi_type) }, \
    { MP_ROM_QSTR(MP_QSTR_SLEEP), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_DEEPSLEEP), MP_ROM_INT(4) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(1) }, \
    { MP_ROM_QSTR(MP_QSTR_HARD_RESET), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_WDT_RESET), MP_ROM_INT(3) }, \
    { MP_ROM_QSTR(MP_QSTR_DEEPSLEEP_RESET), MP_ROM_INT(4) }, \
    { MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(5) }, \
    { MP_ROM_QSTR(MP_QSTR_wake_reason), MP_ROM_PTR(&machine_wake_reason_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_PIN_WAKE), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_EXT0_WAKE), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_EXT1_WAKE), MP_ROM_INT(3) }, \
    { MP_ROM_QSTR(MP_QSTR_TIMER_WAKE), MP_ROM_INT(4) }, \
    { MP_ROM_QSTR(MP_QSTR_TOUCHPAD_WAKE), MP_ROM_INT(5) }, \
    { MP_ROM_QSTR(MP_QSTR_ULP_WAKE), MP_ROM_INT(6) }, \
    { MP_ROM_QSTR(MP_QSTR_GPIO_WAKE), MP_ROM_INT(7) },
