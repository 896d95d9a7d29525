// The esp32 module: what of ports/esp32/modesp32.c makes sense on this chip.

#include "py/mphal.h"
#include "py/runtime.h"
#include "port/firmware.h"

// Pins with a pad in the domain that stays awake (ESP32-C3 datasheet, table 2-4).
#define WAKE_PINS (6)

// esp32.wake_on_gpio(pins, level): these pins end a sleep.
static mp_obj_t esp32_wake_on_gpio(mp_obj_t pins_in, mp_obj_t level) {
    size_t count;
    mp_obj_t *pins;
    mp_obj_get_array(pins_in, &count, &pins);
    uint32_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        mp_hal_pin_obj_t pin = mp_hal_get_pin_obj(pins[i]);
        if (pin >= WAKE_PINS) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid pin: 0 to 5 can wake this chip"));
        }
        mask |= 1u << pin;
    }
    fw_wake_on_pins(mask, mp_obj_is_true(level));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(esp32_wake_on_gpio_obj, esp32_wake_on_gpio);

static const mp_rom_map_elem_t esp32_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_esp32) },
    { MP_ROM_QSTR(MP_QSTR_wake_on_gpio), MP_ROM_PTR(&esp32_wake_on_gpio_obj) },
    { MP_ROM_QSTR(MP_QSTR_WAKEUP_ALL_LOW), MP_ROM_FALSE },
    { MP_ROM_QSTR(MP_QSTR_WAKEUP_ANY_HIGH), MP_ROM_TRUE },
};
static MP_DEFINE_CONST_DICT(esp32_globals, esp32_globals_table);

const mp_obj_module_t esp32_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&esp32_globals,
};
MP_REGISTER_MODULE(MP_QSTR_esp32, esp32_module);
