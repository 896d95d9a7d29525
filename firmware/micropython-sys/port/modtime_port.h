// time.time and time.localtime; included by extmod/modtime.c. The calendar begins in 2000 and is set by machine.RTC.
#include "port/firmware.h"
#include "shared/timeutils/timeutils.h"

static mp_obj_t mp_time_localtime_get(void) {
    timeutils_struct_time_t now;
    timeutils_seconds_since_epoch_to_struct_time(fw_calendar_us() / 1000000u, &now);
    mp_obj_t fields[8] = {
        mp_obj_new_int(now.tm_year), mp_obj_new_int(now.tm_mon), mp_obj_new_int(now.tm_mday),
        mp_obj_new_int(now.tm_hour), mp_obj_new_int(now.tm_min), mp_obj_new_int(now.tm_sec),
        mp_obj_new_int(now.tm_wday), mp_obj_new_int(now.tm_yday),
    };
    return mp_obj_new_tuple(8, fields);
}

static mp_obj_t mp_time_time_get(void) {
    return mp_obj_new_int_from_uint(fw_calendar_us() / 1000000u);
}
