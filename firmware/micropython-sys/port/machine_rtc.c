// machine.RTC(): date and time, and memory that outlives a reset, as ports/esp32/machine_rtc.c.

#include <string.h>

#include "py/runtime.h"
#include "shared/timeutils/timeutils.h"
#include "port/machine.h"

typedef struct {
    mp_obj_base_t base;
} machine_rtc_obj_t;

static const machine_rtc_obj_t rtc_object = { { &machine_rtc_type } };

static mp_obj_t machine_rtc_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&rtc_object);
}

static mp_obj_t rtc_get(void) {
    uint64_t us = fw_calendar_us();
    timeutils_struct_time_t now;
    timeutils_seconds_since_epoch_to_struct_time(us / 1000000u, &now);
    mp_obj_t fields[8] = {
        mp_obj_new_int(now.tm_year), mp_obj_new_int(now.tm_mon), mp_obj_new_int(now.tm_mday),
        mp_obj_new_int(now.tm_wday), mp_obj_new_int(now.tm_hour), mp_obj_new_int(now.tm_min),
        mp_obj_new_int(now.tm_sec), mp_obj_new_int(us % 1000000u),
    };
    return mp_obj_new_tuple(8, fields);
}

// Hours stand where `hour` says: datetime() has the day of the week before them, init() has not.
static void rtc_set(mp_obj_t date, int hour) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(date, 8, &items);
    uint64_t seconds = timeutils_seconds_since_epoch(
        mp_obj_get_int(items[0]), mp_obj_get_int(items[1]), mp_obj_get_int(items[2]),
        mp_obj_get_int(items[hour]), mp_obj_get_int(items[hour + 1]), mp_obj_get_int(items[hour + 2]));
    fw_calendar_set_us(seconds * 1000000u + mp_obj_get_int(items[7]));
}

static mp_obj_t machine_rtc_datetime(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        return rtc_get();
    }
    rtc_set(args[1], 4);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_rtc_datetime_obj, 1, 2, machine_rtc_datetime);

static mp_obj_t machine_rtc_init(mp_obj_t self, mp_obj_t date) {
    rtc_set(date, 3);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(machine_rtc_init_obj, machine_rtc_init);

static mp_obj_t machine_rtc_memory(size_t n_args, const mp_obj_t *args) {
    size_t len;
    uint8_t *memory = fw_rtc_memory(&len);
    if (n_args == 1) {
        return mp_obj_new_bytes(memory, len);
    }
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[1], &buffer, MP_BUFFER_READ);
    if (!fw_rtc_memory_resize(buffer.len)) {
        mp_raise_ValueError(MP_ERROR_TEXT("buffer too long"));
    }
    memcpy(memory, buffer.buf, buffer.len);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_rtc_memory_obj, 1, 2, machine_rtc_memory);

static const mp_rom_map_elem_t machine_rtc_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_rtc_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_datetime), MP_ROM_PTR(&machine_rtc_datetime_obj) },
    { MP_ROM_QSTR(MP_QSTR_memory), MP_ROM_PTR(&machine_rtc_memory_obj) },
};
static MP_DEFINE_CONST_DICT(machine_rtc_locals_dict, machine_rtc_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_rtc_type,
    MP_QSTR_RTC,
    MP_TYPE_FLAG_NONE,
    make_new, machine_rtc_make_new,
    locals_dict, &machine_rtc_locals_dict
    );
