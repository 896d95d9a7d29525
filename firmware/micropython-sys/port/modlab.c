// The lab module: what a lesson's program says to the instruments, and hears from the controls.
//
// Declaring (number, choice, timer, counter, gauge, histogram, array) belongs into main and may allocate.
// Everything else allocates nothing and is legal in a hard callback.

#include "py/binary.h"
#include "py/objarray.h"
#include "py/objstr.h"
#include "py/objtuple.h"
#include "py/runtime.h"
#include "port/machine.h"

#define MAX_CONTROLS (12)
#define MAX_OPTIONS (12)
#define MAX_ARRAYS (4)

MP_REGISTER_ROOT_POINTER(mp_obj_t lab_options[12]);
MP_REGISTER_ROOT_POINTER(mp_obj_t lab_arrays[4]);

static fw_text_t text_of(mp_obj_t object) {
    fw_text_t text;
    text.text = mp_obj_str_get_data(object, &text.len);
    return text;
}

// Turns a refusal of the firmware into an exception.
static uint32_t declared(int slot) {
    switch (slot) {
        case FW_TOO_MANY:
            mp_raise_ValueError(MP_ERROR_TEXT("too many names for the lab module"));
        case FW_NAME_TOO_LONG:
            mp_raise_ValueError(MP_ERROR_TEXT("name is longer than 23 bytes"));
        case FW_OTHER_KIND:
            mp_raise_ValueError(MP_ERROR_TEXT("name is in use for something else"));
        case FW_RESERVED:
            mp_raise_ValueError(MP_ERROR_TEXT("name is one of the firmware's own"));
        default:
            return slot;
    }
}

static mp_obj_t control_object(uint32_t control) {
    int32_t value = fw_control_value(control);
    if (!fw_control_is_choice(control)) {
        return mp_obj_new_int(value);
    }
    if (MP_STATE_PORT(lab_options)[control] == MP_OBJ_NULL) {
        // The built-in control `kind`, which no program has declared.
        return MP_OBJ_NEW_QSTR(value == 0 ? MP_QSTR_hard : MP_QSTR_soft);
    }
    size_t count;
    mp_obj_t *options;
    mp_obj_tuple_get(MP_STATE_PORT(lab_options)[control], &count, &options);
    return options[value];
}

static mp_obj_t lab_number(size_t n_args, const mp_obj_t *args) {
    int32_t lo = mp_obj_get_int(args[2]), hi = mp_obj_get_int(args[3]);
    return control_object(declared(fw_control_number(text_of(args[0]), mp_obj_get_int(args[1]), lo, hi)));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lab_number_obj, 4, 4, lab_number);

static mp_obj_t lab_choice(mp_obj_t name, mp_obj_t options_in, mp_obj_t value) {
    if (!mp_obj_is_exact_type(options_in, &mp_type_tuple)) {
        mp_raise_TypeError(MP_ERROR_TEXT("options must be a tuple of str"));
    }
    size_t count;
    mp_obj_t *options;
    mp_obj_tuple_get(options_in, &count, &options);
    if (count == 0 || count > MAX_OPTIONS) {
        mp_raise_ValueError(MP_ERROR_TEXT("a choice has 1 to 12 options"));
    }
    fw_text_t texts[MAX_OPTIONS];
    int32_t index = -1;
    for (size_t i = 0; i < count; i++) {
        texts[i] = text_of(options[i]);
        if (mp_obj_equal(options[i], value)) {
            index = i;
        }
    }
    if (index < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("the default is none of the options"));
    }
    uint32_t control = declared(fw_control_choice(text_of(name), texts, count, index));
    MP_STATE_PORT(lab_options)[control] = options_in;
    return control_object(control);
}
static MP_DEFINE_CONST_FUN_OBJ_3(lab_choice_obj, lab_choice);

static mp_obj_t lab_get(mp_obj_t name) {
    int control = fw_control_find(text_of(name));
    if (control < 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such control"));
    }
    return control_object(control);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_get_obj, lab_get);

static mp_obj_t lab_rate(void) {
    return MP_OBJ_NEW_SMALL_INT(fw_rate());
}
static MP_DEFINE_CONST_FUN_OBJ_0(lab_rate_obj, lab_rate);

static mp_obj_t lab_hard(void) {
    return mp_obj_new_bool(fw_hard());
}
static MP_DEFINE_CONST_FUN_OBJ_0(lab_hard_obj, lab_hard);

// machine.Timer(0) whose period and kind follow the controls `rate` and `kind` while it runs.
static mp_obj_t lab_timer(mp_obj_t callback) {
    machine_timer_obj_t *timer = machine_timer_object(0);
    fw_timer_stop(0);
    port_irq_attach(0, callback, MP_OBJ_FROM_PTR(timer));
    timer->repeat = true;
    timer->period_ticks = 16000000u / fw_rate();
    fw_lab_timer_start();
    return MP_OBJ_FROM_PTR(timer);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_timer_obj, lab_timer);

static mp_obj_t lab_running(void) {
    return mp_obj_new_bool(fw_running());
}
static MP_DEFINE_CONST_FUN_OBJ_0(lab_running_obj, lab_running);

static mp_obj_t lab_beat(size_t n_args, const mp_obj_t *args) {
    fw_beat(n_args > 0 ? mp_obj_get_int_truncated(args[0]) : 1);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lab_beat_obj, 0, 1, lab_beat);

static int32_t number_of(mp_obj_t value) {
    if (mp_obj_is_float(value)) {
        mp_float_t number = mp_obj_get_float(value);
        return (int32_t)(number < 0 ? number - MICROPY_FLOAT_CONST(0.5) : number + MICROPY_FLOAT_CONST(0.5));
    }
    return mp_obj_get_int_truncated(value);
}

static mp_obj_t lab_value(mp_obj_t name, mp_obj_t value) {
    fw_value_set(declared(fw_value_slot(text_of(name))), number_of(value));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(lab_value_obj, lab_value);

// A named number: counters and gauges differ only in what their name promises.
typedef struct {
    mp_obj_base_t base;
    uint32_t slot;
} lab_number_obj_t;

static mp_obj_t number_add(size_t n_args, const mp_obj_t *args) {
    lab_number_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    fw_value_add(self->slot, n_args > 1 ? mp_obj_get_int_truncated(args[1]) : 1);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(number_add_obj, 1, 2, number_add);

static mp_obj_t number_set(mp_obj_t self_in, mp_obj_t value) {
    lab_number_obj_t *self = MP_OBJ_TO_PTR(self_in);
    fw_value_set(self->slot, number_of(value));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(number_set_obj, number_set);

static mp_obj_t number_value(mp_obj_t self_in) {
    lab_number_obj_t *self = MP_OBJ_TO_PTR(self_in);
    return mp_obj_new_int(fw_value_get(self->slot));
}
static MP_DEFINE_CONST_FUN_OBJ_1(number_value_obj, number_value);

static const mp_rom_map_elem_t number_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_add), MP_ROM_PTR(&number_add_obj) },
    { MP_ROM_QSTR(MP_QSTR_set), MP_ROM_PTR(&number_set_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&number_value_obj) },
};
static MP_DEFINE_CONST_DICT(number_locals_dict, number_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    lab_number_type,
    MP_QSTR_number,
    MP_TYPE_FLAG_NONE,
    locals_dict, &number_locals_dict
    );

static mp_obj_t lab_counter(mp_obj_t name) {
    uint32_t slot = declared(fw_value_slot(text_of(name)));
    lab_number_obj_t *self = mp_obj_malloc(lab_number_obj_t, &lab_number_type);
    self->slot = slot;
    return MP_OBJ_FROM_PTR(self);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_counter_obj, lab_counter);

static mp_obj_t histogram_add(mp_obj_t self_in, mp_obj_t us) {
    lab_number_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_int_t value = mp_obj_get_int_truncated(us);
    fw_histogram_add(self->slot, value < 0 ? 0 : value);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(histogram_add_obj, histogram_add);

static const mp_rom_map_elem_t histogram_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_add), MP_ROM_PTR(&histogram_add_obj) },
};
static MP_DEFINE_CONST_DICT(histogram_locals_dict, histogram_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    lab_histogram_type,
    MP_QSTR_histogram,
    MP_TYPE_FLAG_NONE,
    locals_dict, &histogram_locals_dict
    );

static mp_obj_t lab_histogram(mp_obj_t name) {
    uint32_t slot = declared(fw_histogram_slot(text_of(name)));
    lab_number_obj_t *self = mp_obj_malloc(lab_number_obj_t, &lab_histogram_type);
    self->slot = slot;
    return MP_OBJ_FROM_PTR(self);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_histogram_obj, lab_histogram);

// Publishes an array('i') as a list; the instruments read it in place.
static mp_obj_t lab_array(mp_obj_t name, mp_obj_t array) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(array, &buffer, MP_BUFFER_READ);
    if (buffer.typecode != 'i' && buffer.typecode != 'l') {
        mp_raise_TypeError(MP_ERROR_TEXT("only array('i') can be published"));
    }
    uint32_t slot = declared(fw_array_slot(text_of(name), buffer.buf, buffer.len / sizeof(int32_t)));
    MP_STATE_PORT(lab_arrays)[slot] = array;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(lab_array_obj, lab_array);

static mp_obj_t lab_mark(size_t n_args, const mp_obj_t *args) {
    fw_mark(mp_obj_get_int_truncated(args[0]), n_args > 1 ? mp_obj_get_int_truncated(args[1]) : 0);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lab_mark_obj, 1, 2, lab_mark);

// One point of the recording; lab.trigger(name) sends the points around it as one event.
static mp_obj_t lab_trace(mp_obj_t value) {
    fw_trace(mp_obj_get_int_truncated(value));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_trace_obj, lab_trace);

static mp_obj_t lab_trigger(mp_obj_t name) {
    fw_trigger(text_of(name));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_trigger_obj, lab_trigger);

// Raises the alarm of Timer(0) so many times in a row, between two safe points.
static mp_obj_t lab_burst(mp_obj_t count) {
    mp_int_t alarms = mp_obj_get_int(count);
    if (port_irq_callback(0) == MP_OBJ_NULL || port_irq_callback(0) == mp_const_none) {
        mp_raise_ValueError(MP_ERROR_TEXT("Timer(0) has no callback"));
    }
    fw_burst(alarms < 0 ? 0 : alarms);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_burst_obj, lab_burst);

static mp_obj_t lab_lock(void) {
    return MP_OBJ_NEW_SMALL_INT(fw_lesson_irq_disable());
}
static MP_DEFINE_CONST_FUN_OBJ_0(lab_lock_obj, lab_lock);

static mp_obj_t lab_unlock(mp_obj_t state) {
    fw_lesson_irq_enable(mp_obj_get_int(state));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_unlock_obj, lab_unlock);

static mp_obj_t lab_done(void) {
    fw_done();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_0(lab_done_obj, lab_done);

// Runs function(argument) once in an interrupt, under hard rules. True if it returned, False if it raised.
static mp_obj_t lab_fire(mp_obj_t function, mp_obj_t argument) {
    return mp_obj_new_bool(port_irq_fire(function, argument) == PORT_HARD_RETURNED);
}
static MP_DEFINE_CONST_FUN_OBJ_2(lab_fire_obj, lab_fire);

// Queues function(argument) as an interrupt routine does: False where the queue is full, and no exception.
static mp_obj_t lab_queue(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0) {
        return MP_OBJ_NEW_SMALL_INT(mp_sched_num_pending());
    }
    return mp_obj_new_bool(mp_sched_schedule(args[0], n_args > 1 ? args[1] : mp_const_none));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(lab_queue_obj, 0, 2, lab_queue);

// (expected, fired, missed, ran, dropped, queued, disabled) of a Timer or Pin since it was started.
static mp_obj_t lab_stats(mp_obj_t source) {
    int slot = -1;
    if (mp_obj_is_exact_type(source, &machine_timer_type)) {
        slot = ((machine_timer_obj_t *)MP_OBJ_TO_PTR(source))->slot;
    } else if (mp_obj_is_exact_type(source, &machine_pin_type)) {
        slot = machine_pin_slot(source);
    }
    if (slot < 0) {
        mp_raise_TypeError(MP_ERROR_TEXT("not a Timer or a Pin with an interrupt"));
    }
    fw_source_stats_t stats;
    fw_source_stats(slot, &stats);
    mp_obj_t items[7] = {
        mp_obj_new_int_from_uint(stats.expected), mp_obj_new_int_from_uint(stats.fired),
        mp_obj_new_int_from_uint(stats.missed), mp_obj_new_int_from_uint(stats.ran),
        mp_obj_new_int_from_uint(stats.dropped), mp_obj_new_int_from_uint(stats.queued),
        mp_obj_new_int_from_uint(stats.disabled),
    };
    return mp_obj_new_tuple(7, items);
}
static MP_DEFINE_CONST_FUN_OBJ_1(lab_stats_obj, lab_stats);

static const mp_rom_map_elem_t lab_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_lab) },
    { MP_ROM_QSTR(MP_QSTR_rate), MP_ROM_PTR(&lab_rate_obj) },
    { MP_ROM_QSTR(MP_QSTR_hard), MP_ROM_PTR(&lab_hard_obj) },
    { MP_ROM_QSTR(MP_QSTR_number), MP_ROM_PTR(&lab_number_obj) },
    { MP_ROM_QSTR(MP_QSTR_choice), MP_ROM_PTR(&lab_choice_obj) },
    { MP_ROM_QSTR(MP_QSTR_get), MP_ROM_PTR(&lab_get_obj) },
    { MP_ROM_QSTR(MP_QSTR_timer), MP_ROM_PTR(&lab_timer_obj) },
    { MP_ROM_QSTR(MP_QSTR_running), MP_ROM_PTR(&lab_running_obj) },
    { MP_ROM_QSTR(MP_QSTR_beat), MP_ROM_PTR(&lab_beat_obj) },
    { MP_ROM_QSTR(MP_QSTR_counter), MP_ROM_PTR(&lab_counter_obj) },
    { MP_ROM_QSTR(MP_QSTR_gauge), MP_ROM_PTR(&lab_counter_obj) },
    { MP_ROM_QSTR(MP_QSTR_histogram), MP_ROM_PTR(&lab_histogram_obj) },
    { MP_ROM_QSTR(MP_QSTR_array), MP_ROM_PTR(&lab_array_obj) },
    { MP_ROM_QSTR(MP_QSTR_value), MP_ROM_PTR(&lab_value_obj) },
    { MP_ROM_QSTR(MP_QSTR_mark), MP_ROM_PTR(&lab_mark_obj) },
    { MP_ROM_QSTR(MP_QSTR_trace), MP_ROM_PTR(&lab_trace_obj) },
    { MP_ROM_QSTR(MP_QSTR_trigger), MP_ROM_PTR(&lab_trigger_obj) },
    { MP_ROM_QSTR(MP_QSTR_burst), MP_ROM_PTR(&lab_burst_obj) },
    { MP_ROM_QSTR(MP_QSTR_lock), MP_ROM_PTR(&lab_lock_obj) },
    { MP_ROM_QSTR(MP_QSTR_unlock), MP_ROM_PTR(&lab_unlock_obj) },
    { MP_ROM_QSTR(MP_QSTR_done), MP_ROM_PTR(&lab_done_obj) },
    { MP_ROM_QSTR(MP_QSTR_fire), MP_ROM_PTR(&lab_fire_obj) },
    { MP_ROM_QSTR(MP_QSTR_queue), MP_ROM_PTR(&lab_queue_obj) },
    { MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&lab_stats_obj) },
};
static MP_DEFINE_CONST_DICT(lab_globals, lab_globals_table);

const mp_obj_module_t lab_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&lab_globals,
};
MP_REGISTER_MODULE(MP_QSTR_lab, lab_module);
