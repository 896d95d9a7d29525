// machine.ADC(pin, *, atten=ADC.ATTN_0DB) on pins 0 to 4; extmod/machine_adc.c includes this file.
//
// Arguments and results as ports/esp32/machine_adc.c; microvolts by the nominal range of each attenuation
// (ESP32-C3 datasheet, table 5-6), since a virtual chip has no calibration burnt in.

#include "py/mphal.h"
#include "port/firmware.h"

#define ADC_PINS (5)
#define ADC_BITS (12)
#define ATTENUATIONS (4)

typedef struct _machine_adc_obj_t {
    mp_obj_base_t base;
    uint8_t pin;
    uint8_t atten;
} machine_adc_obj_t;

static const uint16_t full_scale_mv[ATTENUATIONS] = { 750, 1050, 1300, 2500 };

#define MICROPY_PY_MACHINE_ADC_CLASS_CONSTANTS \
    { MP_ROM_QSTR(MP_QSTR_ATTN_0DB), MP_ROM_INT(0) }, \
    { MP_ROM_QSTR(MP_QSTR_ATTN_2_5DB), MP_ROM_INT(1) }, \
    { MP_ROM_QSTR(MP_QSTR_ATTN_6DB), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_ATTN_11DB), MP_ROM_INT(3) }, \
    { MP_ROM_QSTR(MP_QSTR_WIDTH_12BIT), MP_ROM_INT(ADC_BITS) },

static void mp_machine_adc_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_adc_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "ADC(Pin(%u), atten=%u)", self->pin, self->atten);
}

static void mp_machine_adc_atten_set(machine_adc_obj_t *self, mp_int_t atten) {
    if (atten < 0 || atten >= ATTENUATIONS) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid atten"));
    }
    self->atten = atten;
}

static void mp_machine_adc_width_set(machine_adc_obj_t *self, mp_int_t width) {
    if (width != ADC_BITS) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid width"));
    }
}

static void mp_machine_adc_init_helper(machine_adc_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_atten };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_atten, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = -1 } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    if (args[ARG_atten].u_int != -1) {
        mp_machine_adc_atten_set(self, args[ARG_atten].u_int);
    }
}

static mp_obj_t mp_machine_adc_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    mp_hal_pin_obj_t pin = mp_hal_get_pin_obj(args[0]);
    if (pin >= ADC_PINS) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid pin: this chip measures on 0 to 4"));
    }
    machine_adc_obj_t *self = mp_obj_malloc(machine_adc_obj_t, &machine_adc_type);
    self->pin = pin;
    self->atten = 0;
    fw_adc_prepare(pin);
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    mp_machine_adc_init_helper(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_adc_deinit(machine_adc_obj_t *self) {
}

static mp_int_t mp_machine_adc_read(machine_adc_obj_t *self) {
    return fw_adc_read(self->pin, self->atten);
}

static mp_int_t mp_machine_adc_read_u16(machine_adc_obj_t *self) {
    mp_uint_t raw = mp_machine_adc_read(self);
    // The top bits again below, so that the range is filled.
    return raw << (16 - ADC_BITS) | raw >> (2 * ADC_BITS - 16);
}

static mp_int_t mp_machine_adc_read_uv(machine_adc_obj_t *self) {
    return (uint64_t)mp_machine_adc_read(self) * full_scale_mv[self->atten] * 1000 / ((1 << ADC_BITS) - 1);
}
