// machine.I2C(0, *, scl=9, sda=8, freq=400000) and machine.SPI(1, baudrate=1000000, *, sck=6, mosi=7, miso=2, ...):
// the ids and pins of an official ESP32-C3 board (ports/esp32/machine_i2c.c, machine_hw_spi.c).
//
// The processor drives both, by upstream's SoftI2C and SoftSPI: what a constructor returns is one of these.

#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "port/machine.h"

#define I2C_SCL (9)
#define I2C_SDA (8)
#define SPI_SCK (6)
#define SPI_MOSI (7)
#define SPI_MISO (2)

static void check_id(mp_obj_t id, mp_int_t only, mp_rom_error_text_t message) {
    if (mp_obj_get_int(id) != only) {
        mp_raise_ValueError(message);
    }
}

static mp_obj_t pin_or(mp_obj_t given, mp_int_t otherwise) {
    return given == MP_OBJ_NULL ? MP_OBJ_NEW_SMALL_INT(otherwise) : given;
}

static mp_obj_t machine_i2c_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_id, ARG_scl, ARG_sda, ARG_freq, ARG_timeout };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_id,      MP_ARG_OBJ,                  { .u_rom_obj = MP_ROM_INT(0) } },
        { MP_QSTR_scl,     MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_PTR(NULL) } },
        { MP_QSTR_sda,     MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_PTR(NULL) } },
        { MP_QSTR_freq,    MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 400000 } },
        { MP_QSTR_timeout, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 50000 } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed), allowed, args);
    check_id(args[ARG_id].u_obj, 0, MP_ERROR_TEXT("I2C(0) is the only one; SoftI2C takes any pins"));
    mp_obj_t soft[8] = {
        MP_OBJ_NEW_QSTR(MP_QSTR_scl), pin_or(args[ARG_scl].u_obj, I2C_SCL),
        MP_OBJ_NEW_QSTR(MP_QSTR_sda), pin_or(args[ARG_sda].u_obj, I2C_SDA),
        MP_OBJ_NEW_QSTR(MP_QSTR_freq), MP_OBJ_NEW_SMALL_INT(args[ARG_freq].u_int),
        MP_OBJ_NEW_QSTR(MP_QSTR_timeout), MP_OBJ_NEW_SMALL_INT(args[ARG_timeout].u_int),
    };
    return MP_OBJ_TYPE_GET_SLOT(&mp_machine_soft_i2c_type, make_new)(&mp_machine_soft_i2c_type, 0, 4, soft);
}

MP_DEFINE_CONST_OBJ_TYPE(
    machine_i2c_type,
    MP_QSTR_I2C,
    MP_TYPE_FLAG_NONE,
    make_new, machine_i2c_make_new,
    locals_dict, &mp_machine_i2c_locals_dict
    );

static mp_obj_t machine_spi_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_id, ARG_baudrate, ARG_polarity, ARG_phase, ARG_bits, ARG_firstbit, ARG_sck, ARG_mosi, ARG_miso };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_id,       MP_ARG_REQUIRED | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_baudrate, MP_ARG_INT,                   { .u_int = 1000000 } },
        { MP_QSTR_polarity, MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 0 } },
        { MP_QSTR_phase,    MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 0 } },
        { MP_QSTR_bits,     MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 8 } },
        { MP_QSTR_firstbit, MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = MICROPY_PY_MACHINE_SPI_MSB } },
        { MP_QSTR_sck,      MP_ARG_KW_ONLY | MP_ARG_OBJ,  { .u_rom_obj = MP_ROM_PTR(NULL) } },
        { MP_QSTR_mosi,     MP_ARG_KW_ONLY | MP_ARG_OBJ,  { .u_rom_obj = MP_ROM_PTR(NULL) } },
        { MP_QSTR_miso,     MP_ARG_KW_ONLY | MP_ARG_OBJ,  { .u_rom_obj = MP_ROM_PTR(NULL) } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed), allowed, args);
    check_id(args[ARG_id].u_obj, 1, MP_ERROR_TEXT("SPI(1) is the only one; SoftSPI takes any pins"));
    mp_obj_t soft[16] = {
        MP_OBJ_NEW_QSTR(MP_QSTR_baudrate), MP_OBJ_NEW_SMALL_INT(args[ARG_baudrate].u_int),
        MP_OBJ_NEW_QSTR(MP_QSTR_polarity), MP_OBJ_NEW_SMALL_INT(args[ARG_polarity].u_int),
        MP_OBJ_NEW_QSTR(MP_QSTR_phase), MP_OBJ_NEW_SMALL_INT(args[ARG_phase].u_int),
        MP_OBJ_NEW_QSTR(MP_QSTR_bits), MP_OBJ_NEW_SMALL_INT(args[ARG_bits].u_int),
        MP_OBJ_NEW_QSTR(MP_QSTR_firstbit), MP_OBJ_NEW_SMALL_INT(args[ARG_firstbit].u_int),
        MP_OBJ_NEW_QSTR(MP_QSTR_sck), pin_or(args[ARG_sck].u_obj, SPI_SCK),
        MP_OBJ_NEW_QSTR(MP_QSTR_mosi), pin_or(args[ARG_mosi].u_obj, SPI_MOSI),
        MP_OBJ_NEW_QSTR(MP_QSTR_miso), pin_or(args[ARG_miso].u_obj, SPI_MISO),
    };
    return MP_OBJ_TYPE_GET_SLOT(&mp_machine_soft_spi_type, make_new)(&mp_machine_soft_spi_type, 0, 8, soft);
}

MP_DEFINE_CONST_OBJ_TYPE(
    machine_spi_type,
    MP_QSTR_SPI,
    MP_TYPE_FLAG_NONE,
    make_new, machine_spi_make_new,
    locals_dict, &mp_machine_spi_locals_dict
    );
