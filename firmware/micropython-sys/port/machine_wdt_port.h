// machine.WDT(id=0, timeout=5000): a watchdog of timer group 1; extmod/machine_wdt.c includes this file.

#include "port/firmware.h"

typedef struct _machine_wdt_obj_t {
    mp_obj_base_t base;
} machine_wdt_obj_t;

static const machine_wdt_obj_t wdt_object = { { &machine_wdt_type } };

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(mp_int_t id, mp_int_t timeout_ms) {
    if (id != 0) {
        mp_raise_ValueError(NULL);
    }
    if (timeout_ms <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("WDT timeout too short"));
    }
    fw_wdt_start(timeout_ms);
    return (machine_wdt_obj_t *)&wdt_object;
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    fw_wdt_feed();
}
