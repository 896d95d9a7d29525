// machine.Pin(id, mode=None, pull=-1, *, value, drive, hold) with irq(handler, trigger, wake, *, hard=False, priority=1).
//
// Arguments, constants and the irq object as ports/esp32/machine_pin.c has them, and `hard` and `priority`, which that
// port does not have. All pins share one interrupt source of the chip (ESP32-C3 TRM, table 8-1), so the priority given
// last holds for all.

#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "extmod/virtpin.h"
#include "port/machine.h"

// Bits of a mode: input, output, open drain.
#define MODE_IN (1)
#define MODE_OUT (3)
#define MODE_OPEN_DRAIN (7)
#define TRIGGER_MAX (5)
#define DRIVE_MAX (3)

typedef struct {
    mp_obj_base_t base;
    uint8_t pin;
} machine_pin_obj_t;

static const mp_obj_type_t machine_pin_irq_type;

// Pin and irq objects are made by the linker, so that pin.irq() allocates nothing and Pin(4) is Pin(4).
#define EACH_PIN(X) X(0), X(1), X(2), X(3), X(4), X(5), X(6), X(7), X(8), X(9), X(10)
#define PIN_OBJECT(n) { { &machine_pin_type }, n }
#define IRQ_OBJECT(n) { { &machine_pin_irq_type }, n }
static const machine_pin_obj_t pin_objects[FW_PINS] = { EACH_PIN(PIN_OBJECT) };
static const machine_pin_obj_t irq_objects[FW_PINS] = { EACH_PIN(IRQ_OBJECT) };

static mp_obj_t pin_object(uint32_t pin) {
    return MP_OBJ_FROM_PTR(&pin_objects[pin]);
}

mp_hal_pin_obj_t machine_pin_get_id(mp_obj_t id) {
    if (mp_obj_is_exact_type(id, &machine_pin_type)) {
        return ((machine_pin_obj_t *)MP_OBJ_TO_PTR(id))->pin;
    }
    mp_int_t pin;
    if (!mp_obj_get_int_maybe(id, &pin) || pin < 0 || pin > 21) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid pin"));
    }
    if (!fw_pin_valid(pin)) {
        mp_raise_ValueError(pin < 18 ? MP_ERROR_TEXT("invalid pin: 11 to 17 carry the flash memory, take 0 to 10")
            : pin < 20 ? MP_ERROR_TEXT("invalid pin: 18 and 19 carry USB, take 0 to 10")
            : MP_ERROR_TEXT("invalid pin: 20 and 21 carry the console, take 0 to 10"));
    }
    return pin;
}

static void pin_init(uint32_t pin, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_pull, ARG_value, ARG_drive, ARG_hold };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_mode,  MP_ARG_OBJ,                  { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_pull,  MP_ARG_OBJ,                  { .u_rom_obj = MP_ROM_INT(-1) } },
        { MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_PTR(NULL) } },
        { MP_QSTR_drive, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_PTR(NULL) } },
        { MP_QSTR_hold,  MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_PTR(NULL) } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    int32_t mode = -1, pull = -1, drive = -1;
    if (args[ARG_mode].u_obj != mp_const_none) {
        mode = mp_obj_get_int(args[ARG_mode].u_obj);
        if (mode < 0 || mode > MODE_OPEN_DRAIN) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid pin mode"));
        }
    }
    if (args[ARG_pull].u_obj != MP_OBJ_NEW_SMALL_INT(-1)) {
        pull = args[ARG_pull].u_obj == mp_const_none ? 0 : mp_obj_get_int(args[ARG_pull].u_obj);
    }
    if (args[ARG_drive].u_obj != MP_OBJ_NULL) {
        drive = mp_obj_get_int(args[ARG_drive].u_obj);
        drive = drive > DRIVE_MAX ? -1 : drive;
    }
    if (args[ARG_hold].u_obj != MP_OBJ_NULL && mp_obj_is_true(args[ARG_hold].u_obj)) {
        mp_raise_NotImplementedError(MP_ERROR_TEXT("hold is not there: a pin keeps its level until deep sleep or reset"));
    }
    // The level comes first, so that an output begins with it.
    if (args[ARG_value].u_obj != MP_OBJ_NULL) {
        mp_hal_pin_write(pin, mp_obj_is_true(args[ARG_value].u_obj));
    }
    fw_pin_configure(pin, mode, pull, drive);
}

mp_obj_t mp_pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    uint32_t pin = machine_pin_get_id(args[0]);
    if (n_args > 1 || n_kw > 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        pin_init(pin, n_args - 1, args + 1, &kw_args);
    }
    return pin_object(pin);
}

static uint32_t pin_of(mp_obj_t self_in) {
    return ((machine_pin_obj_t *)MP_OBJ_TO_PTR(self_in))->pin;
}

static void machine_pin_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    mp_printf(print, "Pin(%u)", (unsigned)pin_of(self_in));
}

static mp_obj_t machine_pin_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    if (n_args == 0) {
        return MP_OBJ_NEW_SMALL_INT(mp_hal_pin_read(pin_of(self_in)));
    }
    mp_hal_pin_write(pin_of(self_in), mp_obj_is_true(args[0]));
    return mp_const_none;
}

static mp_obj_t machine_pin_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    pin_init(pin_of(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_init_obj, 1, machine_pin_init);

static mp_obj_t machine_pin_value(size_t n_args, const mp_obj_t *args) {
    return machine_pin_call(args[0], n_args - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_pin_value_obj, 1, 2, machine_pin_value);

static mp_obj_t machine_pin_on(mp_obj_t self_in) {
    mp_hal_pin_write(pin_of(self_in), 1);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_on_obj, machine_pin_on);

static mp_obj_t machine_pin_off(mp_obj_t self_in) {
    mp_hal_pin_write(pin_of(self_in), 0);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_off_obj, machine_pin_off);

static mp_obj_t machine_pin_toggle(mp_obj_t self_in) {
    mp_hal_pin_write(pin_of(self_in), !fw_pin_written(pin_of(self_in)));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_toggle_obj, machine_pin_toggle);

static uint32_t trigger_of(mp_int_t trigger) {
    if (trigger < 0 || trigger > TRIGGER_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid trigger"));
    }
    return trigger;
}

static mp_obj_t machine_pin_irq(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_handler, ARG_trigger, ARG_wake, ARG_hard, ARG_priority };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_handler,  MP_ARG_OBJ,                   { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_trigger,  MP_ARG_INT,                   { .u_int = 3 } },
        { MP_QSTR_wake,     MP_ARG_OBJ,                   { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_hard,     MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = false } },
        { MP_QSTR_priority, MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 1 } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    #if ISRLAB_PLAIN
    args[ARG_hard].u_bool = false;
    args[ARG_priority].u_int = 1;
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, ARG_hard, allowed, args);
    #else
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    #endif
    uint32_t pin = pin_of(pos_args[0]);
    mp_obj_t irq = MP_OBJ_FROM_PTR(&irq_objects[pin]);
    // Asking for the object changes nothing.
    if (n_args == 1 && kw_args->used == 0) {
        return irq;
    }
    uint32_t trigger = trigger_of(args[ARG_trigger].u_int);
    mp_int_t priority = port_irq_priority(args[ARG_priority].u_int);
    if (args[ARG_wake].u_obj != mp_const_none) {
        mp_raise_ValueError(MP_ERROR_TEXT("this chip has no ext0: give wake pins to esp32.wake_on_gpio"));
    }
    fw_pin_irq_stop(pin);
    mp_obj_t handler = args[ARG_handler].u_obj;
    port_irq_attach(FW_FIRST_PIN + pin, handler, pos_args[0]);
    if (handler != mp_const_none && trigger != 0) {
        fw_pin_irq_start(pin, trigger, args[ARG_hard].u_bool, priority);
    }
    return irq;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_irq_obj, 1, machine_pin_irq);

int machine_pin_slot(mp_obj_t pin) {
    return FW_FIRST_PIN + pin_of(pin);
}

static mp_uint_t machine_pin_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    switch (request) {
        case MP_PIN_READ:
            return mp_hal_pin_read(pin_of(self_in));
        case MP_PIN_WRITE:
            mp_hal_pin_write(pin_of(self_in), arg != 0);
            return 0;
        default:
            return -1;
    }
}

static const mp_rom_map_elem_t machine_pin_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_pin_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&machine_pin_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_on), MP_ROM_PTR(&machine_pin_on_obj) },
    { MP_ROM_QSTR(MP_QSTR_off), MP_ROM_PTR(&machine_pin_off_obj) },
    { MP_ROM_QSTR(MP_QSTR_toggle), MP_ROM_PTR(&machine_pin_toggle_obj) },
    { MP_ROM_QSTR(MP_QSTR_irq), MP_ROM_PTR(&machine_pin_irq_obj) },
    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(MODE_IN) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(MODE_OUT) },
    { MP_ROM_QSTR(MP_QSTR_OPEN_DRAIN), MP_ROM_INT(MODE_OPEN_DRAIN) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(FW_PULL_UP) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(FW_PULL_DOWN) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(2) },
    #if !ISRLAB_PLAIN
    // By these names on other ports; the ESP32's has them as WAKE_*.
    { MP_ROM_QSTR(MP_QSTR_IRQ_LOW_LEVEL), MP_ROM_INT(4) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_HIGH_LEVEL), MP_ROM_INT(5) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_WAKE_LOW), MP_ROM_INT(4) },
    { MP_ROM_QSTR(MP_QSTR_WAKE_HIGH), MP_ROM_INT(5) },
    { MP_ROM_QSTR(MP_QSTR_DRIVE_0), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_DRIVE_1), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_DRIVE_2), MP_ROM_INT(2) },
    { MP_ROM_QSTR(MP_QSTR_DRIVE_3), MP_ROM_INT(3) },
};
static MP_DEFINE_CONST_DICT(machine_pin_locals_dict, machine_pin_locals_dict_table);

static const mp_pin_p_t machine_pin_protocol = { .ioctl = machine_pin_ioctl };

MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_type,
    MP_QSTR_Pin,
    MP_TYPE_FLAG_NONE,
    make_new, mp_pin_make_new,
    print, machine_pin_print,
    call, machine_pin_call,
    protocol, &machine_pin_protocol,
    locals_dict, &machine_pin_locals_dict
    );

// The object that irq() returns: a call does what an edge does.
static mp_obj_t machine_pin_irq_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    uint32_t pin = pin_of(self_in);
    mp_obj_t handler = port_irq_callback(FW_FIRST_PIN + pin);
    if (handler != MP_OBJ_NULL && handler != mp_const_none) {
        fw_pin_irq_call(pin);
    }
    return mp_const_none;
}

static mp_obj_t machine_pin_irq_flags(mp_obj_t self_in) {
    return MP_OBJ_NEW_SMALL_INT(fw_pin_flags(pin_of(self_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_irq_flags_obj, machine_pin_irq_flags);

static mp_obj_t machine_pin_irq_trigger(size_t n_args, const mp_obj_t *args) {
    uint32_t pin = pin_of(args[0]);
    uint32_t old = fw_pin_trigger(pin);
    if (n_args == 2) {
        fw_pin_set_trigger(pin, trigger_of(mp_obj_get_int(args[1])));
    }
    return MP_OBJ_NEW_SMALL_INT(old);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_pin_irq_trigger_obj, 1, 2, machine_pin_irq_trigger);

static const mp_rom_map_elem_t machine_pin_irq_locals_dict_table[] = {
    #if !ISRLAB_PLAIN
    { MP_ROM_QSTR(MP_QSTR_flags), MP_ROM_PTR(&machine_pin_irq_flags_obj) },
    #endif
    { MP_ROM_QSTR(MP_QSTR_trigger), MP_ROM_PTR(&machine_pin_irq_trigger_obj) },
};
static MP_DEFINE_CONST_DICT(machine_pin_irq_locals_dict, machine_pin_irq_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_irq_type,
    MP_QSTR_IRQ,
    MP_TYPE_FLAG_NONE,
    call, machine_pin_irq_call,
    locals_dict, &machine_pin_irq_locals_dict
    );
