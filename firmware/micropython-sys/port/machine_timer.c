// machine.Timer(id, *, mode=PERIODIC, callback=None, period=-1, tick_hz=1000, freq, hard=False, priority=1)
//
// Arguments as ports/esp32/machine_timer.c reads them, and `hard` and `priority`, which that port does not have.
// Timer ids are those of an official ESP32-C3 board: 0 and 1.

#include "py/runtime.h"
#include "port/machine.h"

#define TICKS_PER_SECOND (16000000)

MP_REGISTER_ROOT_POINTER(struct _mp_obj_base_t *timer_object[8]);

machine_timer_obj_t *machine_timer_object(uint32_t slot) {
    machine_timer_obj_t *self = (machine_timer_obj_t *)MP_STATE_PORT(timer_object)[slot];
    if (self == NULL) {
        self = mp_obj_malloc(machine_timer_obj_t, &machine_timer_type);
        self->slot = slot;
        self->repeat = true;
        self->period_ticks = 0;
        MP_STATE_PORT(timer_object)[slot] = &self->base;
    }
    return self;
}

void machine_timer_start(machine_timer_obj_t *self, mp_obj_t callback, bool hard, mp_int_t priority) {
    port_irq_attach(self->slot, callback, MP_OBJ_FROM_PTR(self));
    if (fw_timer_start(self->slot, self->period_ticks, self->repeat, hard, priority) != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid Timer period"));
    }
}

static void timer_init(machine_timer_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_callback, ARG_period, ARG_tick_hz, ARG_freq, ARG_hard, ARG_priority };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_mode,     MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 1 } },
        { MP_QSTR_callback, MP_ARG_KW_ONLY | MP_ARG_OBJ,  { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_period,   MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = -1 } },
        { MP_QSTR_tick_hz,  MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 1000 } },
        { MP_QSTR_freq,     MP_ARG_KW_ONLY | MP_ARG_OBJ,  { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_hard,     MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = false } },
        { MP_QSTR_priority, MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 1 } },
    };
    fw_timer_stop(self->slot);
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    #if ISRLAB_PLAIN
    // An official build knows neither `hard` nor `priority`, and refuses them as it refuses any other name.
    args[ARG_hard].u_bool = false;
    args[ARG_priority].u_int = 1;
    mp_arg_parse_all(n_args, pos_args, kw_args, ARG_hard, allowed, args);
    #else
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    #endif

    uint64_t ticks;
    if (args[ARG_freq].u_obj != mp_const_none) {
        mp_float_t freq = mp_obj_get_float(args[ARG_freq].u_obj);
        ticks = freq > 0 ? (uint64_t)(TICKS_PER_SECOND / freq + MICROPY_FLOAT_CONST(0.5)) : 0;
    } else {
        mp_int_t tick_hz = args[ARG_tick_hz].u_int;
        ticks = tick_hz > 0 ? (uint64_t)(uint32_t)args[ARG_period].u_int * TICKS_PER_SECOND / (uint32_t)tick_hz : 0;
    }
    self->period_ticks = ticks;
    self->repeat = args[ARG_mode].u_int != 0;
    machine_timer_start(self, args[ARG_callback].u_obj, args[ARG_hard].u_bool, port_irq_priority(args[ARG_priority].u_int));
}

static mp_obj_t machine_timer_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_int_t id = mp_obj_get_int(args[0]);
    if (id < 0 || id >= FW_ALARMS) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid Timer number: this chip has Timer(0) and Timer(1)"));
    }
    machine_timer_obj_t *self = machine_timer_object(id);
    if (n_args > 1 || n_kw > 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        timer_init(self, n_args - 1, args + 1, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

static void machine_timer_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "Timer(%u, mode=%q, period=%u)", self->slot, self->repeat ? MP_QSTR_PERIODIC : MP_QSTR_ONE_SHOT,
        (unsigned)(self->period_ticks / (TICKS_PER_SECOND / 1000)));
}

static mp_obj_t machine_timer_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    timer_init(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_timer_init_obj, 1, machine_timer_init);

static mp_obj_t machine_timer_deinit(mp_obj_t self_in) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    fw_timer_stop(self->slot);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_deinit_obj, machine_timer_deinit);

static mp_obj_t machine_timer_value(mp_obj_t self_in) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return mp_obj_new_int_from_uint(fw_timer_elapsed_ticks(self->slot) / (TICKS_PER_SECOND / 1000));
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_value_obj, machine_timer_value);

static const mp_rom_map_elem_t machine_timer_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_timer_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&machine_timer_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&machine_timer_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_ONE_SHOT), MP_ROM_INT(0) },
    { MP_ROM_QSTR(MP_QSTR_PERIODIC), MP_ROM_INT(1) },
};
static MP_DEFINE_CONST_DICT(machine_timer_locals_dict, machine_timer_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_timer_type,
    MP_QSTR_Timer,
    MP_TYPE_FLAG_NONE,
    make_new, machine_timer_make_new,
    print, machine_timer_print,
    locals_dict, &machine_timer_locals_dict
    );
