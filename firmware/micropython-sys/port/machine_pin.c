// machine.Pin(id, mode=None, pull=None, *, value=None) with irq(handler, trigger, *, hard=False, priority=1).
//
// All pins share one interrupt source of the chip (ESP32-C3 TRM, table 8-1), so the priority given last holds for all.

#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/virtpin.h"
#include "port/machine.h"

#define PIN_COUNT (22)

typedef struct {
    mp_obj_base_t base;
    uint8_t pin;
    int8_t slot; // of its interrupt, -1: none yet
} machine_pin_obj_t;

MP_REGISTER_ROOT_POINTER(struct _mp_obj_base_t *pin_object[22]);

static machine_pin_obj_t *pin_find(mp_obj_t id) {
    mp_int_t pin = mp_obj_get_int(id);
    if (pin < 0 || !fw_pin_valid(pin)) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid pin"));
    }
    machine_pin_obj_t *self = (machine_pin_obj_t *)MP_STATE_PORT(pin_object)[pin];
    if (self == NULL) {
        self = mp_obj_malloc(machine_pin_obj_t, &machine_pin_type);
        self->pin = pin;
        self->slot = -1;
        MP_STATE_PORT(pin_object)[pin] = &self->base;
    }
    return self;
}

static void pin_init(machine_pin_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_pull, ARG_value };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_mode,  MP_ARG_OBJ,                  { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_pull,  MP_ARG_OBJ,                  { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_value, MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    if (args[ARG_value].u_obj != mp_const_none) {
        fw_pin_write(self->pin, mp_obj_is_true(args[ARG_value].u_obj));
    }
    if (args[ARG_mode].u_obj != mp_const_none) {
        mp_int_t mode = mp_obj_get_int(args[ARG_mode].u_obj);
        mp_int_t pull = args[ARG_pull].u_obj == mp_const_none ? FW_PULL_NONE : mp_obj_get_int(args[ARG_pull].u_obj);
        if ((mode != FW_PIN_IN && mode != FW_PIN_OUT && mode != FW_PIN_OPEN_DRAIN) || pull < 0 || pull > FW_PULL_DOWN) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid pin mode"));
        }
        fw_pin_configure(self->pin, mode, pull);
    }
}

static mp_obj_t machine_pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    machine_pin_obj_t *self = pin_find(args[0]);
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    pin_init(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static void machine_pin_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Pin(%u)", self->pin);
}

static mp_obj_t machine_pin_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 1, false);
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (n_args == 0) {
        return MP_OBJ_NEW_SMALL_INT(fw_pin_read(self->pin));
    }
    fw_pin_write(self->pin, mp_obj_is_true(args[0]));
    return mp_const_none;
}

static mp_obj_t machine_pin_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    pin_init(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_init_obj, 1, machine_pin_init);

static mp_obj_t machine_pin_value(size_t n_args, const mp_obj_t *args) {
    return machine_pin_call(args[0], n_args - 1, 0, args + 1);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_pin_value_obj, 1, 2, machine_pin_value);

static mp_obj_t machine_pin_on(mp_obj_t self_in) {
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    fw_pin_write(self->pin, true);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_on_obj, machine_pin_on);

static mp_obj_t machine_pin_off(mp_obj_t self_in) {
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    fw_pin_write(self->pin, false);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_off_obj, machine_pin_off);

static mp_obj_t machine_pin_toggle(mp_obj_t self_in) {
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    fw_pin_write(self->pin, !fw_pin_read(self->pin));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_pin_toggle_obj, machine_pin_toggle);

static mp_obj_t machine_pin_irq(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_handler, ARG_trigger, ARG_hard, ARG_priority };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_handler,  MP_ARG_OBJ,                   { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_trigger,  MP_ARG_INT,                   { .u_int = 3 } },
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
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(pos_args[0]);
    if (self->slot >= 0) {
        fw_pin_irq_stop(self->slot);
    }
    mp_int_t trigger = args[ARG_trigger].u_int;
    if (args[ARG_handler].u_obj == mp_const_none || trigger == 0) {
        return mp_const_none;
    }
    if (trigger < 0 || trigger > 3) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid trigger"));
    }
    mp_int_t priority = port_irq_priority(args[ARG_priority].u_int);
    // A slot stays with its pin, so that counters do; its callback is in place before the interrupt is on.
    if (self->slot < 0) {
        for (int slot = FW_TIMERS; slot < FW_SLOTS && self->slot < 0; slot++) {
            if (MP_STATE_PORT(irq_argument)[slot] == MP_OBJ_NULL) {
                self->slot = slot;
            }
        }
        if (self->slot < 0) {
            mp_raise_ValueError(MP_ERROR_TEXT("too many pins with an interrupt"));
        }
    }
    port_irq_attach(self->slot, args[ARG_handler].u_obj, MP_OBJ_FROM_PTR(self));
    fw_pin_irq_start(self->pin, self->slot, trigger, args[ARG_hard].u_bool, priority);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_pin_irq_obj, 1, machine_pin_irq);

// The slot of a pin's interrupt, or -1.
int machine_pin_slot(mp_obj_t pin) {
    return ((machine_pin_obj_t *)MP_OBJ_TO_PTR(pin))->slot;
}

static mp_uint_t machine_pin_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    machine_pin_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (request) {
        case MP_PIN_READ:
            return fw_pin_read(self->pin);
        case MP_PIN_WRITE:
            fw_pin_write(self->pin, arg != 0);
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
    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(FW_PIN_IN) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(FW_PIN_OUT) },
    { MP_ROM_QSTR(MP_QSTR_OPEN_DRAIN), MP_ROM_INT(FW_PIN_OPEN_DRAIN) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(FW_PULL_UP) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(FW_PULL_DOWN) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(2) },
};
static MP_DEFINE_CONST_DICT(machine_pin_locals_dict, machine_pin_locals_dict_table);

static const mp_pin_p_t machine_pin_protocol = { .ioctl = machine_pin_ioctl };

MP_DEFINE_CONST_OBJ_TYPE(
    machine_pin_type,
    MP_QSTR_Pin,
    MP_TYPE_FLAG_NONE,
    make_new, machine_pin_make_new,
    print, machine_pin_print,
    call, machine_pin_call,
    protocol, &machine_pin_protocol,
    locals_dict, &machine_pin_locals_dict
    );
