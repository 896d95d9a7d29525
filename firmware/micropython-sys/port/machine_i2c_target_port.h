// machine.I2CTarget(0, addr, ...); extmod/machine_i2c_target.c, which has it from 1.26 on, includes this file.
//
// Arguments as ports/esp32/machine_i2c_target.c. That port tells the end of a transfer only, by soft callbacks; here every
// event is told when it happens, and `hard` is honoured. The feature `plain` is as that port.

#include "py/mphal.h"
#include "port/firmware.h"
#include "port/machine.h"

#define I2C_TARGET_SCL (9)
#define I2C_TARGET_SDA (8)

typedef struct _machine_i2c_target_obj_t {
    mp_obj_base_t base;
    uint8_t addr, scl, sda;
} machine_i2c_target_obj_t;

static machine_i2c_target_obj_t machine_i2c_target_obj[MICROPY_PY_MACHINE_I2C_TARGET_MAX];

// What the routine of I2C0 tells.

static bool i2c_target_in_transfer(void) {
    return machine_i2c_target_data[0].state > STATE_IDLE;
}

static void i2c_target_received(void) {
    machine_i2c_target_data_t *data = &machine_i2c_target_data[0];
    if (data->state <= STATE_IDLE) {
        machine_i2c_target_data_addr_match(data, false);
    }
    machine_i2c_target_data_write_request(&machine_i2c_target_obj[0], data);
}

static void i2c_target_wanted(bool first) {
    machine_i2c_target_data_t *data = &machine_i2c_target_data[0];
    if (first) {
        // A write that a read follows without a stop ends here, but for one that chose an address of the memory.
        machine_i2c_target_data_addr_match(data, true);
    }
    machine_i2c_target_data_read_request(&machine_i2c_target_obj[0], data);
}

static void i2c_target_restarted(void) {
    machine_i2c_target_data_restart_or_stop(&machine_i2c_target_data[0]);
}

static void i2c_target_stopped(bool write) {
    machine_i2c_target_data_t *data = &machine_i2c_target_data[0];
    if (data->state == STATE_IDLE && write) {
        // A transfer without a byte, as a scan of the bus makes it.
        machine_i2c_target_data_addr_match(data, false);
    }
    machine_i2c_target_data_stop(data);
}

static const fw_i2c_target_events_t i2c_target_events = {
    .in_transfer = i2c_target_in_transfer,
    .received = i2c_target_received,
    .wanted = i2c_target_wanted,
    .restarted = i2c_target_restarted,
    .stopped = i2c_target_stopped,
};

// What extmod/machine_i2c_target.c asks for.

static inline size_t mp_machine_i2c_target_get_index(machine_i2c_target_obj_t *self) {
    return self - machine_i2c_target_obj;
}

static void mp_machine_i2c_target_event_callback(machine_i2c_target_irq_obj_t *irq) {
    fw_i2c_target_event();
}

static size_t mp_machine_i2c_target_read_bytes(machine_i2c_target_obj_t *self, size_t len, uint8_t *buf) {
    return fw_i2c_target_read(buf, len);
}

static size_t mp_machine_i2c_target_write_bytes(machine_i2c_target_obj_t *self, size_t len, const uint8_t *buf) {
    return fw_i2c_target_write(buf, len);
}

static void mp_machine_i2c_target_irq_config(machine_i2c_target_obj_t *self, unsigned int trigger) {
    fw_i2c_target_irq_stop();
    machine_i2c_target_irq_obj_t *irq = MP_STATE_PORT(machine_i2c_target_irq_obj)[0];
    if (trigger != 0 && irq->base.handler != mp_const_none) {
        port_irq_attach(FW_I2C_TARGET, irq->base.handler, MP_OBJ_FROM_PTR(self));
        fw_i2c_target_irq_start(irq->base.ishard);
    }
}

static mp_obj_t mp_machine_i2c_target_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *all_args) {
    enum { ARG_id, ARG_addr, ARG_addrsize, ARG_mem, ARG_mem_addrsize, ARG_scl, ARG_sda };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_id,           MP_ARG_INT,                   { .u_int = 0 } },
        { MP_QSTR_addr,         MP_ARG_REQUIRED | MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_addrsize,     MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 7 } },
        { MP_QSTR_mem,          MP_ARG_KW_ONLY | MP_ARG_OBJ,  { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_mem_addrsize, MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = 8 } },
        { MP_QSTR_scl,          MP_ARG_KW_ONLY | MP_ARG_OBJ,  { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_sda,          MP_ARG_KW_ONLY | MP_ARG_OBJ,  { .u_rom_obj = MP_ROM_NONE } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, all_args, MP_ARRAY_SIZE(allowed), allowed, args);
    if (args[ARG_id].u_int != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("I2CTarget(0) is the only one"));
    }
    if (args[ARG_addrsize].u_int != 7) {
        mp_raise_ValueError(MP_ERROR_TEXT("10-bit address unsupported"));
    }
    if (args[ARG_addr].u_int < 0 || args[ARG_addr].u_int > 0x7f) {
        mp_raise_ValueError(MP_ERROR_TEXT("addr must be 0 to 127"));
    }
    machine_i2c_target_obj_t *self = &machine_i2c_target_obj[0];
    if (self->base.type == NULL) {
        self->base.type = &machine_i2c_target_type;
        self->scl = I2C_TARGET_SCL;
        self->sda = I2C_TARGET_SDA;
    }
    uint8_t scl = args[ARG_scl].u_obj == mp_const_none ? self->scl : mp_hal_get_pin_obj(args[ARG_scl].u_obj);
    uint8_t sda = args[ARG_sda].u_obj == mp_const_none ? self->sda : mp_hal_get_pin_obj(args[ARG_sda].u_obj);
    // What answered before lets go of its memory, and must not be asked meanwhile.
    fw_i2c_target_stop();
    machine_i2c_target_data[0].state = STATE_INACTIVE;
    MP_STATE_PORT(machine_i2c_target_irq_obj)[0] = NULL;
    machine_i2c_target_data_init(&machine_i2c_target_data[0], args[ARG_mem].u_obj, args[ARG_mem_addrsize].u_int);
    if (args[ARG_mem].u_obj != mp_const_none && machine_i2c_target_data[0].mem_len == 0) {
        // Addresses are taken modulo its length.
        mp_raise_ValueError(MP_ERROR_TEXT("mem must not be empty"));
    }
    MP_STATE_PORT(machine_i2c_target_mem_obj)[0] = args[ARG_mem].u_obj;
    self->addr = args[ARG_addr].u_int;
    self->scl = scl;
    self->sda = sda;
    fw_i2c_target_start(self->addr, scl, sda, &i2c_target_events);
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_i2c_target_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_i2c_target_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "I2CTarget(0, addr=%u, scl=%u, sda=%u)", self->addr, self->scl, self->sda);
}

static void mp_machine_i2c_target_deinit(machine_i2c_target_obj_t *self) {
    fw_i2c_target_stop();
}
