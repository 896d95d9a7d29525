// machine.UART(1, baudrate=115200, ...); extmod/machine_uart.c includes this file.
//
// Arguments as ports/esp32/machine_uart.c; `hard` is honoured in irq(). UART(0) carries the console.

#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/stream.h"
#include "shared/runtime/mpirq.h"
#include "port/firmware.h"
#include "port/machine.h"

#define UART_TX (10)
#define UART_RX (9)
#define UART_IRQS (0x1003)

typedef struct _machine_uart_obj_t {
    mp_obj_base_t base;
    uint32_t baudrate;
    uint8_t bits, stop, tx, rx;
    int8_t parity; // 0 even, 1 odd, -1 none
    uint16_t timeout_ms, timeout_char_ms;
    mp_irq_obj_t irq;
} machine_uart_obj_t;

MP_REGISTER_ROOT_POINTER(struct _mp_obj_base_t *machine_uart);

#define MICROPY_PY_MACHINE_UART_CLASS_CONSTANTS \
    { MP_ROM_QSTR(MP_QSTR_IRQ_RX), MP_ROM_INT(1) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_BREAK), MP_ROM_INT(2) }, \
    { MP_ROM_QSTR(MP_QSTR_IRQ_RXIDLE), MP_ROM_INT(0x1000) },

static void mp_machine_uart_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "UART(1, baudrate=%u, bits=%u, parity=", (unsigned)self->baudrate, self->bits);
    if (self->parity < 0) {
        mp_printf(print, "None");
    } else {
        mp_printf(print, "%d", self->parity);
    }
    mp_printf(print, ", stop=%u, tx=%u, rx=%u, timeout=%u, timeout_char=%u)", self->stop, self->tx, self->rx,
        self->timeout_ms, self->timeout_char_ms);
}

static void mp_machine_uart_init_helper(machine_uart_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_baudrate, ARG_bits, ARG_parity, ARG_stop, ARG_tx, ARG_rx, ARG_txbuf, ARG_rxbuf, ARG_timeout, ARG_timeout_char };
    static const mp_arg_t allowed[] = {
        { MP_QSTR_baudrate,     MP_ARG_INT,                  { .u_int = 0 } },
        { MP_QSTR_bits,         MP_ARG_INT,                  { .u_int = 0 } },
        { MP_QSTR_parity,       MP_ARG_OBJ,                  { .u_rom_obj = MP_ROM_INT(-1) } },
        { MP_QSTR_stop,         MP_ARG_INT,                  { .u_int = 0 } },
        { MP_QSTR_tx,           MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_rx,           MP_ARG_KW_ONLY | MP_ARG_OBJ, { .u_rom_obj = MP_ROM_NONE } },
        { MP_QSTR_txbuf,        MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_rxbuf,        MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = 0 } },
        { MP_QSTR_timeout,      MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = -1 } },
        { MP_QSTR_timeout_char, MP_ARG_KW_ONLY | MP_ARG_INT, { .u_int = -1 } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);
    if (args[ARG_baudrate].u_int > 0) {
        self->baudrate = args[ARG_baudrate].u_int;
    }
    if (args[ARG_bits].u_int != 0) {
        if (args[ARG_bits].u_int < 5 || args[ARG_bits].u_int > 8) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid data bits"));
        }
        self->bits = args[ARG_bits].u_int;
    }
    if (args[ARG_parity].u_obj == mp_const_none) {
        self->parity = -1;
    } else if (args[ARG_parity].u_obj != MP_OBJ_NEW_SMALL_INT(-1)) {
        self->parity = mp_obj_get_int(args[ARG_parity].u_obj) & 1;
    }
    if (args[ARG_stop].u_int != 0) {
        if (args[ARG_stop].u_int < 1 || args[ARG_stop].u_int > 2) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid stop bits"));
        }
        self->stop = args[ARG_stop].u_int;
    }
    if (args[ARG_tx].u_obj != mp_const_none) {
        self->tx = mp_hal_get_pin_obj(args[ARG_tx].u_obj);
    }
    if (args[ARG_rx].u_obj != mp_const_none) {
        self->rx = mp_hal_get_pin_obj(args[ARG_rx].u_obj);
    }
    if (args[ARG_timeout].u_int >= 0) {
        self->timeout_ms = args[ARG_timeout].u_int;
    }
    if (args[ARG_timeout_char].u_int >= 0) {
        self->timeout_char_ms = args[ARG_timeout_char].u_int;
    }
    if (!fw_uart_start(self->baudrate, self->bits, self->parity, self->stop, self->tx, self->rx)) {
        mp_raise_ValueError(MP_ERROR_TEXT("invalid baudrate"));
    }
}

static mp_uint_t uart_irq_trigger(mp_obj_t self_in, mp_uint_t trigger) {
    fw_uart_irq(trigger, ((machine_uart_obj_t *)MP_OBJ_TO_PTR(self_in))->irq.ishard);
    return 0;
}

static mp_uint_t uart_irq_info(mp_obj_t self_in, mp_uint_t info) {
    return info == MP_IRQ_INFO_FLAGS ? fw_uart_irq_flags() : fw_uart_irq_trigger();
}

static const mp_irq_methods_t uart_irq_methods = { .trigger = uart_irq_trigger, .info = uart_irq_info };

static mp_obj_t mp_machine_uart_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, MP_OBJ_FUN_ARGS_MAX, true);
    if (mp_obj_get_int(args[0]) != 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("UART(1) is the only one: UART(0) carries the console"));
    }
    machine_uart_obj_t *self = (machine_uart_obj_t *)MP_STATE_PORT(machine_uart);
    if (self == NULL) {
        self = mp_obj_malloc(machine_uart_obj_t, &machine_uart_type);
        self->baudrate = 115200;
        self->bits = 8;
        self->parity = -1;
        self->stop = 1;
        self->tx = UART_TX;
        self->rx = UART_RX;
        self->timeout_ms = 0;
        self->timeout_char_ms = 0;
        mp_irq_init(&self->irq, &uart_irq_methods, MP_OBJ_FROM_PTR(self));
        MP_STATE_PORT(machine_uart) = &self->base;
    }
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    mp_machine_uart_init_helper(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_uart_deinit(machine_uart_obj_t *self) {
    fw_uart_stop();
}

static mp_int_t mp_machine_uart_any(machine_uart_obj_t *self) {
    return fw_uart_any();
}

static bool mp_machine_uart_txdone(machine_uart_obj_t *self) {
    return fw_uart_is_idle();
}

static mp_irq_obj_t *mp_machine_uart_irq(machine_uart_obj_t *self, bool any_args, mp_arg_val_t *args) {
    if (any_args) {
        mp_obj_t handler = args[MP_IRQ_ARG_INIT_handler].u_obj;
        mp_uint_t trigger = args[MP_IRQ_ARG_INIT_trigger].u_int;
        if (handler != mp_const_none && !mp_obj_is_callable(handler)) {
            mp_raise_ValueError(MP_ERROR_TEXT("handler must be None or callable"));
        }
        if ((trigger & ~UART_IRQS) != 0) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("trigger 0x%04x unsupported"), (unsigned)trigger);
        }
        #if ISRLAB_PLAIN
        if (args[MP_IRQ_ARG_INIT_hard].u_bool) {
            mp_raise_ValueError(MP_ERROR_TEXT("hard IRQ is not supported"));
        }
        #endif
        self->irq.handler = handler;
        self->irq.ishard = args[MP_IRQ_ARG_INIT_hard].u_bool;
        fw_uart_irq(0, false);
        port_irq_attach(FW_UART, handler, MP_OBJ_FROM_PTR(self));
        if (handler != mp_const_none) {
            fw_uart_irq(trigger, self->irq.ishard);
        }
    }
    return &self->irq;
}

// Waits for a byte, at most so long; callbacks run meanwhile.
static bool uart_wait(uint32_t ms) {
    uint64_t end = fw_micros() + (uint64_t)ms * 1000;
    while (fw_uart_any() == 0) {
        if (fw_micros() >= end) {
            return false;
        }
        mp_event_wait_ms(1);
    }
    return true;
}

static mp_uint_t mp_machine_uart_read(mp_obj_t self_in, void *buf, mp_uint_t size, int *errcode) {
    machine_uart_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint8_t *bytes = buf;
    mp_uint_t count = 0;
    while (count < size && uart_wait(count == 0 ? self->timeout_ms : self->timeout_char_ms)) {
        bytes[count++] = fw_uart_read();
    }
    if (count == 0 && size > 0) {
        *errcode = MP_EAGAIN;
        return MP_STREAM_ERROR;
    }
    return count;
}

static mp_uint_t mp_machine_uart_write(mp_obj_t self_in, const void *buf, mp_uint_t size, int *errcode) {
    mp_uint_t count = 0;
    for (;;) {
        count += fw_uart_write((const uint8_t *)buf + count, size - count);
        if (count >= size) {
            return size;
        }
        mp_event_wait_ms(1);
    }
}

static mp_uint_t mp_machine_uart_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    if (request == MP_STREAM_POLL) {
        mp_uint_t ready = 0;
        if ((arg & MP_STREAM_POLL_RD) && fw_uart_any() > 0) {
            ready |= MP_STREAM_POLL_RD;
        }
        return ready | (arg & MP_STREAM_POLL_WR);
    }
    if (request == MP_STREAM_FLUSH) {
        while (!fw_uart_is_idle()) {
            mp_event_wait_ms(1);
        }
        return 0;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}
