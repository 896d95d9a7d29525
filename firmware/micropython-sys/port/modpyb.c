// The pyb module: names of the Pyboard for this chip, so that its listings run.
//
// Callbacks of Timer, Switch and ExtInt are hard, as there. LED(1) to LED(4) are pins 8, 10, 7 and 6, the switch is the
// BOOT button on pin 9, and the names X1 to X11 are pins 0 to 10.

#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "port/machine.h"

#define TICKS_PER_SECOND (16000000)
#define TIMER_MAX (14)
#define VIRTUAL_TIMERS (FW_TIMERS - FW_ALARMS)
#define LEDS (4)
#define SWITCH_PIN (9)
#define RISING (1)
#define FALLING (2)

typedef struct {
    mp_obj_base_t base;
    uint8_t id;
    uint8_t slot;
    uint64_t period_ticks;
    mp_obj_t callback;
} pyb_timer_obj_t;

static const mp_obj_type_t pyb_timer_type;

MP_REGISTER_ROOT_POINTER(struct _mp_obj_base_t *pyb_timer[6]);
MP_REGISTER_ROOT_POINTER(mp_obj_t pyb_switch_callback);

// ---- Timer ------------------------------------------------------------------------------------

static void timer_restart(pyb_timer_obj_t *self) {
    fw_timer_stop(self->slot);
    if (self->period_ticks == 0 || self->callback == mp_const_none) {
        return;
    }
    port_irq_attach(self->slot, self->callback, MP_OBJ_FROM_PTR(self));
    if (fw_timer_start(self->slot, self->period_ticks, true, true, PORT_PRIORITY_MIN) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid Timer frequency"));
    }
}

static void timer_set_freq(pyb_timer_obj_t *self, mp_obj_t freq_in) {
    mp_float_t freq = mp_obj_get_float(freq_in);
    if (!(freq > 0)) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid Timer frequency"));
    }
    self->period_ticks = (uint64_t)(TICKS_PER_SECOND / freq + MICROPY_FLOAT_CONST(0.5));
}

static void timer_init(pyb_timer_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_freq, ARG_prescaler, ARG_period, ARG_callback };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_freq,      MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_prescaler, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = -1 } },
        { MP_QSTR_period,    MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = -1 } },
        { MP_QSTR_callback,  MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
    };
    // A Pyboard's timers are fed with 84 or 168 MHz; listings that count in them reckon with the former.
    const uint64_t source_hz = 84000000;
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    if (args[ARG_freq].u_obj != mp_const_none) {
        timer_set_freq(self, args[ARG_freq].u_obj);
    } else if (args[ARG_prescaler].u_int >= 0 && args[ARG_period].u_int >= 0) {
        uint64_t counts = ((uint64_t)args[ARG_prescaler].u_int + 1) * ((uint64_t)args[ARG_period].u_int + 1);
        self->period_ticks = counts * TICKS_PER_SECOND / source_hz;
    } else {
        mp_raise_TypeError(MP_ERROR_TEXT("must specify either freq, or prescaler and period"));
    }
    self->callback = args[ARG_callback].u_obj;
    timer_restart(self);
}

static mp_obj_t pyb_timer_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 1 || id > TIMER_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("Timer doesn't exist"));
    }
    pyb_timer_obj_t *self = NULL;
    int place = -1;
    for (int i = 0; i < VIRTUAL_TIMERS; i++) {
        pyb_timer_obj_t *other = (pyb_timer_obj_t *)MP_STATE_PORT(pyb_timer)[i];
        if (other != NULL && other->id == id) {
            self = other;
        } else if (other == NULL && place < 0) {
            place = i;
        }
    }
    if (self == NULL) {
        if (place < 0) {
            mp_raise_ValueError(MP_ERROR_TEXT("this board has six pyb timers at a time; deinit() gives one back"));
        }
        self = mp_obj_malloc(pyb_timer_obj_t, &pyb_timer_type);
        self->id = id;
        self->slot = FW_ALARMS + place;
        self->period_ticks = 0;
        self->callback = mp_const_none;
        MP_STATE_PORT(pyb_timer)[place] = &self->base;
    }
    if (n_args > 1 || n_kw > 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        timer_init(self, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

static void pyb_timer_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    pyb_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Timer(%u)", self->id);
}

static mp_obj_t pyb_timer_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    timer_init(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(pyb_timer_init_obj, 1, pyb_timer_init);

static mp_obj_t pyb_timer_deinit(mp_obj_t self_in) {
    pyb_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    fw_timer_stop(self->slot);
    self->period_ticks = 0;
    self->callback = mp_const_none;
    MP_STATE_PORT(pyb_timer)[self->slot - FW_ALARMS] = NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_timer_deinit_obj, pyb_timer_deinit);

static mp_obj_t pyb_timer_callback(mp_obj_t self_in, mp_obj_t callback) {
    pyb_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    if (callback != mp_const_none && !mp_obj_is_callable(callback)) {
        mp_raise_ValueError(MP_ERROR_TEXT("callback must be None or a callable object"));
    }
    self->callback = callback;
    timer_restart(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(pyb_timer_callback_obj, pyb_timer_callback);

static mp_obj_t pyb_timer_freq(size_t n_args, const mp_obj_t *args) {
    pyb_timer_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    if (n_args == 1) {
        return self->period_ticks == 0 ? MP_OBJ_NEW_SMALL_INT(0)
            : mp_obj_new_float((mp_float_t)TICKS_PER_SECOND / self->period_ticks);
    }
    timer_set_freq(self, args[1]);
    timer_restart(self);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pyb_timer_freq_obj, 1, 2, pyb_timer_freq);

static mp_obj_t pyb_timer_counter(mp_obj_t self_in) {
    pyb_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return mp_obj_new_int_from_ull(fw_timer_elapsed_ticks(self->slot));
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_timer_counter_obj, pyb_timer_counter);

static const mp_rom_map_elem_t pyb_timer_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&pyb_timer_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&pyb_timer_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_callback), MP_ROM_PTR(&pyb_timer_callback_obj) },
    { MP_ROM_QSTR(MP_QSTR_freq), MP_ROM_PTR(&pyb_timer_freq_obj) },
    { MP_ROM_QSTR(MP_QSTR_counter), MP_ROM_PTR(&pyb_timer_counter_obj) },
};
static MP_DEFINE_CONST_DICT(pyb_timer_locals_dict, pyb_timer_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    pyb_timer_type,
    MP_QSTR_Timer,
    MP_TYPE_FLAG_NONE,
    make_new, pyb_timer_make_new,
    print, pyb_timer_print,
    locals_dict, &pyb_timer_locals_dict
    );

// ---- LED and Switch ---------------------------------------------------------------------------

typedef struct {
    mp_obj_base_t base;
    uint8_t id;
    uint8_t pin;
} pyb_led_obj_t;

static const mp_obj_type_t pyb_led_type;
static const pyb_led_obj_t led_objects[LEDS] = {
    { { &pyb_led_type }, 1, 8 }, { { &pyb_led_type }, 2, 10 }, { { &pyb_led_type }, 3, 7 }, { { &pyb_led_type }, 4, 6 },
};

static mp_obj_t pyb_led_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 1, false);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 1 || id > LEDS) {
        mp_raise_ValueError(MP_ERROR_TEXT("LED doesn't exist"));
    }
    mp_hal_pin_output(led_objects[id - 1].pin);
    return MP_OBJ_FROM_PTR(&led_objects[id - 1]);
}

static void pyb_led_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    mp_printf(print, "LED(%u)", ((pyb_led_obj_t *)MP_OBJ_TO_PTR(self_in))->id);
}

static mp_obj_t led_write(mp_obj_t self_in, bool level) {
    mp_hal_pin_write(((pyb_led_obj_t *)MP_OBJ_TO_PTR(self_in))->pin, level);
    return mp_const_none;
}

static mp_obj_t pyb_led_on(mp_obj_t self_in) {
    return led_write(self_in, true);
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_led_on_obj, pyb_led_on);

static mp_obj_t pyb_led_off(mp_obj_t self_in) {
    return led_write(self_in, false);
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_led_off_obj, pyb_led_off);

static bool led_is_on(mp_obj_t self_in) {
    return fw_pin_written(((pyb_led_obj_t *)MP_OBJ_TO_PTR(self_in))->pin);
}

static mp_obj_t pyb_led_toggle(mp_obj_t self_in) {
    return led_write(self_in, !led_is_on(self_in));
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_led_toggle_obj, pyb_led_toggle);

// On or off, as LEDs 1 and 2 of a Pyboard.
static mp_obj_t pyb_led_intensity(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        return MP_OBJ_NEW_SMALL_INT(led_is_on(args[0]) ? 255 : 0);
    }
    return led_write(args[0], mp_obj_get_int(args[1]) > 0);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pyb_led_intensity_obj, 1, 2, pyb_led_intensity);

static const mp_rom_map_elem_t pyb_led_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_on), MP_ROM_PTR(&pyb_led_on_obj) },
    { MP_ROM_QSTR(MP_QSTR_off), MP_ROM_PTR(&pyb_led_off_obj) },
    { MP_ROM_QSTR(MP_QSTR_toggle), MP_ROM_PTR(&pyb_led_toggle_obj) },
    { MP_ROM_QSTR(MP_QSTR_intensity), MP_ROM_PTR(&pyb_led_intensity_obj) },
};
static MP_DEFINE_CONST_DICT(pyb_led_locals_dict, pyb_led_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    pyb_led_type,
    MP_QSTR_LED,
    MP_TYPE_FLAG_NONE,
    make_new, pyb_led_make_new,
    print, pyb_led_print,
    locals_dict, &pyb_led_locals_dict
    );

static const mp_obj_type_t pyb_switch_type;
static const mp_obj_base_t switch_object = { &pyb_switch_type };

static mp_obj_t pyb_switch_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    fw_pin_configure(SWITCH_PIN, 1, FW_PULL_UP, -1);
    return MP_OBJ_FROM_PTR(&switch_object);
}

static mp_obj_t pyb_switch_value(mp_obj_t self_in) {
    return mp_obj_new_bool(!mp_hal_pin_read(SWITCH_PIN));
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_switch_value_obj, pyb_switch_value);

static mp_obj_t pyb_switch_call(mp_obj_t self_in, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return pyb_switch_value(self_in);
}

// A switch calls back without an argument.
static mp_obj_t switch_pressed(mp_obj_t argument) {
    return mp_call_function_0(MP_STATE_PORT(pyb_switch_callback));
}
static MP_DEFINE_CONST_FUN_OBJ_1(switch_pressed_obj, switch_pressed);

static mp_obj_t pyb_switch_callback(mp_obj_t self_in, mp_obj_t callback) {
    fw_pin_irq_stop(SWITCH_PIN);
    MP_STATE_PORT(pyb_switch_callback) = callback;
    if (callback != mp_const_none) {
        port_irq_attach(FW_FIRST_PIN + SWITCH_PIN, MP_OBJ_FROM_PTR(&switch_pressed_obj), mp_const_none);
        fw_pin_irq_start(SWITCH_PIN, FALLING, true, PORT_PRIORITY_MIN);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(pyb_switch_callback_obj, pyb_switch_callback);

static const mp_rom_map_elem_t pyb_switch_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&pyb_switch_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_callback), MP_ROM_PTR(&pyb_switch_callback_obj) },
};
static MP_DEFINE_CONST_DICT(pyb_switch_locals_dict, pyb_switch_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    pyb_switch_type,
    MP_QSTR_Switch,
    MP_TYPE_FLAG_NONE,
    make_new, pyb_switch_make_new,
    call, pyb_switch_call,
    locals_dict, &pyb_switch_locals_dict
    );

// ---- Pin and ExtInt ---------------------------------------------------------------------------

// A pin by its number, its object, or a Pyboard's name.
static mp_obj_t pin_by_name(mp_obj_t id) {
    if (!mp_obj_is_str(id)) {
        return id;
    }
    const char *name = mp_obj_str_get_str(id);
    unsigned number = 0;
    if (name[0] == 'X') {
        for (const char *digit = name + 1; *digit >= '0' && *digit <= '9' && number <= FW_PINS; digit++) {
            number = number * 10 + (*digit - '0');
        }
    }
    if (number < 1 || number > FW_PINS) {
        mp_raise_ValueError(MP_ERROR_TEXT("Pin doesn't exist: X1 to X11 are pins 0 to 10 of this chip"));
    }
    return MP_OBJ_NEW_SMALL_INT(number - 1);
}

static mp_obj_t pyb_pin_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 5, true);
    mp_obj_t given[15];
    for (size_t i = 0; i < n_args + 2 * n_kw && i < MP_ARRAY_SIZE(given); i++) {
        given[i] = args[i];
    }
    given[0] = pin_by_name(args[0]);
    return mp_pin_make_new(&machine_pin_type, n_args, MIN(n_kw, 5), given);
}

static const mp_rom_map_elem_t pyb_pin_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_IN), MP_ROM_INT(1) },
    { MP_ROM_QSTR(MP_QSTR_OUT), MP_ROM_INT(3) },
    { MP_ROM_QSTR(MP_QSTR_OUT_PP), MP_ROM_INT(3) },
    { MP_ROM_QSTR(MP_QSTR_OPEN_DRAIN), MP_ROM_INT(7) },
    { MP_ROM_QSTR(MP_QSTR_OUT_OD), MP_ROM_INT(7) },
    { MP_ROM_QSTR(MP_QSTR_PULL_NONE), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_PULL_UP), MP_ROM_INT(FW_PULL_UP) },
    { MP_ROM_QSTR(MP_QSTR_PULL_DOWN), MP_ROM_INT(FW_PULL_DOWN) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(RISING) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(FALLING) },
};
static MP_DEFINE_CONST_DICT(pyb_pin_locals_dict, pyb_pin_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    pyb_pin_type,
    MP_QSTR_Pin,
    MP_TYPE_FLAG_NONE,
    make_new, pyb_pin_make_new,
    locals_dict, &pyb_pin_locals_dict
    );

typedef struct {
    mp_obj_base_t base;
    uint8_t pin;
    uint8_t trigger;
} pyb_extint_obj_t;

// ExtInt(pin, mode, pull, callback): the callback gets the line's number.
static mp_obj_t pyb_extint_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_pin, ARG_mode, ARG_pull, ARG_callback };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_pin,      MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_mode,     MP_ARG_REQUIRED | MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_pull,     MP_ARG_REQUIRED | MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_callback, MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed), allowed, args);
    mp_int_t mode = args[ARG_mode].u_int;
    if (mode < RISING || mode > (RISING | FALLING)) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid ExtInt Mode"));
    }
    uint32_t pin = mp_hal_get_pin_obj(pin_by_name(args[ARG_pin].u_obj));
    pyb_extint_obj_t *self = mp_obj_malloc(pyb_extint_obj_t, type);
    self->pin = pin;
    self->trigger = mode;
    fw_pin_irq_stop(pin);
    fw_pin_configure(pin, 1, args[ARG_pull].u_int, -1);
    port_irq_attach(FW_FIRST_PIN + pin, args[ARG_callback].u_obj, MP_OBJ_NEW_SMALL_INT(pin));
    if (args[ARG_callback].u_obj != mp_const_none) {
        fw_pin_irq_start(pin, mode, true, PORT_PRIORITY_MIN);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t pyb_extint_line(mp_obj_t self_in) {
    return MP_OBJ_NEW_SMALL_INT(((pyb_extint_obj_t *)MP_OBJ_TO_PTR(self_in))->pin);
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_extint_line_obj, pyb_extint_line);

static mp_obj_t pyb_extint_enable(mp_obj_t self_in) {
    pyb_extint_obj_t *self = MP_OBJ_TO_PTR(self_in);
    fw_pin_set_trigger(self->pin, self->trigger);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_extint_enable_obj, pyb_extint_enable);

static mp_obj_t pyb_extint_disable(mp_obj_t self_in) {
    fw_pin_set_trigger(((pyb_extint_obj_t *)MP_OBJ_TO_PTR(self_in))->pin, 0);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_extint_disable_obj, pyb_extint_disable);

static mp_obj_t pyb_extint_swint(mp_obj_t self_in) {
    fw_pin_irq_call(((pyb_extint_obj_t *)MP_OBJ_TO_PTR(self_in))->pin);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_extint_swint_obj, pyb_extint_swint);

static const mp_rom_map_elem_t pyb_extint_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_line), MP_ROM_PTR(&pyb_extint_line_obj) },
    { MP_ROM_QSTR(MP_QSTR_enable), MP_ROM_PTR(&pyb_extint_enable_obj) },
    { MP_ROM_QSTR(MP_QSTR_disable), MP_ROM_PTR(&pyb_extint_disable_obj) },
    { MP_ROM_QSTR(MP_QSTR_swint), MP_ROM_PTR(&pyb_extint_swint_obj) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING), MP_ROM_INT(RISING) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_FALLING), MP_ROM_INT(FALLING) },
    { MP_ROM_QSTR(MP_QSTR_IRQ_RISING_FALLING), MP_ROM_INT(RISING | FALLING) },
};
static MP_DEFINE_CONST_DICT(pyb_extint_locals_dict, pyb_extint_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    pyb_extint_type,
    MP_QSTR_ExtInt,
    MP_TYPE_FLAG_NONE,
    make_new, pyb_extint_make_new,
    locals_dict, &pyb_extint_locals_dict
    );

// ---- functions --------------------------------------------------------------------------------

// A small integer, so that a hard callback may call it: 30 bits, as there.
static mp_obj_t pyb_rng(void) {
    return MP_OBJ_NEW_SMALL_INT(fw_random() & 0x3fffffff);
}
static MP_DEFINE_CONST_FUN_OBJ_0(pyb_rng_obj, pyb_rng);

static mp_obj_t pyb_delay(mp_obj_t ms_in) {
    mp_int_t ms = mp_obj_get_int(ms_in);
    mp_hal_delay_ms(MAX(ms, 0));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_delay_obj, pyb_delay);

static mp_obj_t pyb_udelay(mp_obj_t us_in) {
    mp_int_t us = mp_obj_get_int(us_in);
    mp_hal_delay_us(MAX(us, 0));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_udelay_obj, pyb_udelay);

// Times wrap within small integers.
static mp_obj_t wrapped(mp_uint_t time) {
    return MP_OBJ_NEW_SMALL_INT(time & 0x3fffffff);
}

static mp_obj_t pyb_millis(void) {
    return wrapped(mp_hal_ticks_ms());
}
static MP_DEFINE_CONST_FUN_OBJ_0(pyb_millis_obj, pyb_millis);

static mp_obj_t pyb_micros(void) {
    return wrapped(mp_hal_ticks_us());
}
static MP_DEFINE_CONST_FUN_OBJ_0(pyb_micros_obj, pyb_micros);

static mp_obj_t pyb_elapsed_millis(mp_obj_t start) {
    return wrapped(mp_hal_ticks_ms() - mp_obj_get_int(start));
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_elapsed_millis_obj, pyb_elapsed_millis);

static mp_obj_t pyb_elapsed_micros(mp_obj_t start) {
    return wrapped(mp_hal_ticks_us() - mp_obj_get_int(start));
}
static MP_DEFINE_CONST_FUN_OBJ_1(pyb_elapsed_micros_obj, pyb_elapsed_micros);

static mp_obj_t pyb_disable_irq(void) {
    return mp_obj_new_bool(fw_lesson_irq_disable());
}
static MP_DEFINE_CONST_FUN_OBJ_0(pyb_disable_irq_obj, pyb_disable_irq);

static mp_obj_t pyb_enable_irq(size_t n_args, const mp_obj_t *args) {
    fw_lesson_irq_enable(n_args == 0 || mp_obj_is_true(args[0]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pyb_enable_irq_obj, 0, 1, pyb_enable_irq);

static mp_obj_t pyb_wfi(void) {
    mp_event_wait_ms(1);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(pyb_wfi_obj, pyb_wfi);

static const mp_rom_map_elem_t pyb_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_pyb) },
    { MP_ROM_QSTR(MP_QSTR_Timer), MP_ROM_PTR(&pyb_timer_type) },
    { MP_ROM_QSTR(MP_QSTR_LED), MP_ROM_PTR(&pyb_led_type) },
    { MP_ROM_QSTR(MP_QSTR_Switch), MP_ROM_PTR(&pyb_switch_type) },
    { MP_ROM_QSTR(MP_QSTR_Pin), MP_ROM_PTR(&pyb_pin_type) },
    { MP_ROM_QSTR(MP_QSTR_ExtInt), MP_ROM_PTR(&pyb_extint_type) },
    { MP_ROM_QSTR(MP_QSTR_rng), MP_ROM_PTR(&pyb_rng_obj) },
    { MP_ROM_QSTR(MP_QSTR_delay), MP_ROM_PTR(&pyb_delay_obj) },
    { MP_ROM_QSTR(MP_QSTR_udelay), MP_ROM_PTR(&pyb_udelay_obj) },
    { MP_ROM_QSTR(MP_QSTR_millis), MP_ROM_PTR(&pyb_millis_obj) },
    { MP_ROM_QSTR(MP_QSTR_micros), MP_ROM_PTR(&pyb_micros_obj) },
    { MP_ROM_QSTR(MP_QSTR_elapsed_millis), MP_ROM_PTR(&pyb_elapsed_millis_obj) },
    { MP_ROM_QSTR(MP_QSTR_elapsed_micros), MP_ROM_PTR(&pyb_elapsed_micros_obj) },
    { MP_ROM_QSTR(MP_QSTR_disable_irq), MP_ROM_PTR(&pyb_disable_irq_obj) },
    { MP_ROM_QSTR(MP_QSTR_enable_irq), MP_ROM_PTR(&pyb_enable_irq_obj) },
    { MP_ROM_QSTR(MP_QSTR_wfi), MP_ROM_PTR(&pyb_wfi_obj) },
};
static MP_DEFINE_CONST_DICT(pyb_globals, pyb_globals_table);

const mp_obj_module_t pyb_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&pyb_globals,
};
MP_REGISTER_MODULE(MP_QSTR_pyb, pyb_module);
