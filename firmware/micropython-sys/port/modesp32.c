// What the frozen module esp32 (modules/esp32.py) needs of C.

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "port/firmware.h"

// Pins with a pad in the domain that stays awake (ESP32-C3 datasheet, table 2-4).
#define WAKE_PINS (6)

// esp32.wake_on_gpio(pins, level): these pins end a sleep.
static mp_obj_t esp32_wake_on_gpio(mp_obj_t pins_in, mp_obj_t level) {
    size_t count;
    mp_obj_t *pins;
    mp_obj_get_array(pins_in, &count, &pins);
    uint32_t mask = 0;
    for (size_t i = 0; i < count; i++) {
        mp_hal_pin_obj_t pin = mp_hal_get_pin_obj(pins[i]);
        if (pin >= WAKE_PINS) {
            mp_raise_ValueError(MP_ERROR_TEXT("invalid pin: 0 to 5 can wake this chip"));
        }
        mask |= 1u << pin;
    }
    fw_wake_on_pins(mask, mp_obj_is_true(level));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(esp32_wake_on_gpio_obj, esp32_wake_on_gpio);

// (type, subtype, address, size, label, encrypted) of every partition.
static mp_obj_t esp32_partitions(void) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    fw_partition_t entry;
    for (uint32_t index = 0; fw_partition(index, &entry); index++) {
        mp_obj_t items[] = {
            MP_OBJ_NEW_SMALL_INT(entry.kind), MP_OBJ_NEW_SMALL_INT(entry.subtype),
            mp_obj_new_int_from_uint(entry.address), mp_obj_new_int_from_uint(entry.size),
            mp_obj_new_str_from_cstr(entry.label), mp_obj_new_bool(entry.encrypted),
        };
        mp_obj_list_append(list, mp_obj_new_tuple(MP_ARRAY_SIZE(items), items));
    }
    return list;
}
static MP_DEFINE_CONST_FUN_OBJ_0(esp32_partitions_obj, esp32_partitions);

static mp_obj_t flash_result(int result) {
    if (result < 0) {
        mp_raise_OSError(-result);
    }
    return mp_const_none;
}

static mp_obj_t esp32_flash_read(mp_obj_t address, mp_obj_t buffer_in) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(buffer_in, &buffer, MP_BUFFER_WRITE);
    return flash_result(fw_chip_flash_read(mp_obj_get_int(address), buffer.buf, buffer.len));
}
static MP_DEFINE_CONST_FUN_OBJ_2(esp32_flash_read_obj, esp32_flash_read);

static mp_obj_t esp32_flash_write(mp_obj_t address, mp_obj_t buffer_in) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(buffer_in, &buffer, MP_BUFFER_READ);
    return flash_result(fw_chip_flash_write(mp_obj_get_int(address), buffer.buf, buffer.len));
}
static MP_DEFINE_CONST_FUN_OBJ_2(esp32_flash_write_obj, esp32_flash_write);

static mp_obj_t esp32_flash_erase(mp_obj_t address, mp_obj_t len) {
    return flash_result(fw_chip_flash_erase(mp_obj_get_int(address), mp_obj_get_int(len)));
}
static MP_DEFINE_CONST_FUN_OBJ_2(esp32_flash_erase_obj, esp32_flash_erase);

// esp32.mcu_temperature(): whole degrees, rounded as upstream does.
static mp_obj_t esp32_mcu_temperature(void) {
    return MP_OBJ_NEW_SMALL_INT((fw_temperature() + 5) / 10);
}
static MP_DEFINE_CONST_FUN_OBJ_0(esp32_mcu_temperature_obj, esp32_mcu_temperature);

// (total, free, largest free block) of Python's heap, the only one of this firmware.
static mp_obj_t esp32_heap(void) {
    gc_info_t info;
    gc_info(&info);
    mp_obj_t items[] = {
        MP_OBJ_NEW_SMALL_INT(info.total), MP_OBJ_NEW_SMALL_INT(info.free),
        MP_OBJ_NEW_SMALL_INT(info.max_free * MICROPY_BYTES_PER_GC_BLOCK),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_0(esp32_heap_obj, esp32_heap);

// The words that a channel sends, kept from the collector until it has sent them.
#define RMT_CHANNELS (2)
MP_REGISTER_ROOT_POINTER(mp_obj_t esp32_rmt_words[2]);

static uint32_t rmt_channel(mp_obj_t channel) {
    mp_int_t n = mp_obj_get_int(channel);
    if (n < 0 || n >= RMT_CHANNELS) {
        mp_obj_t args[2] = { MP_OBJ_NEW_SMALL_INT(-258), MP_OBJ_NEW_QSTR(MP_QSTR_ESP_ERR_INVALID_ARG) };
        nlr_raise(mp_obj_new_exception_args(&mp_type_OSError, 2, args));
    }
    return n;
}

// rmt_start(channel, pin, divider, idle, high, low, level)
static mp_obj_t esp32_rmt_start(size_t n_args, const mp_obj_t *args) {
    fw_rmt_start(rmt_channel(args[0]), mp_hal_get_pin_obj(args[1]), mp_obj_get_int(args[2]), mp_obj_is_true(args[3]),
        mp_obj_get_int(args[4]), mp_obj_get_int(args[5]), mp_obj_is_true(args[6]));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(esp32_rmt_start_obj, 7, 7, esp32_rmt_start);

// rmt_write(channel, words, loops): words is an array of unsigned ints.
static mp_obj_t esp32_rmt_write(mp_obj_t channel_in, mp_obj_t words, mp_obj_t loops) {
    uint32_t channel = rmt_channel(channel_in);
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(words, &buffer, MP_BUFFER_READ);
    MP_STATE_PORT(esp32_rmt_words)[channel] = words;
    fw_rmt_write(channel, buffer.buf, buffer.len / sizeof(uint32_t), mp_obj_is_true(loops));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(esp32_rmt_write_obj, esp32_rmt_write);

static mp_obj_t esp32_rmt_busy(mp_obj_t channel) {
    return mp_obj_new_bool(fw_rmt_busy(rmt_channel(channel)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_rmt_busy_obj, esp32_rmt_busy);

static mp_obj_t esp32_rmt_end_loop(mp_obj_t channel) {
    fw_rmt_end_loop(rmt_channel(channel));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_rmt_end_loop_obj, esp32_rmt_end_loop);

static mp_obj_t esp32_rmt_stop(mp_obj_t channel_in) {
    uint32_t channel = rmt_channel(channel_in);
    fw_rmt_stop(channel);
    MP_STATE_PORT(esp32_rmt_words)[channel] = MP_OBJ_NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(esp32_rmt_stop_obj, esp32_rmt_stop);

static const mp_rom_map_elem_t esp32_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__esp32) },
    { MP_ROM_QSTR(MP_QSTR_wake_on_gpio), MP_ROM_PTR(&esp32_wake_on_gpio_obj) },
    { MP_ROM_QSTR(MP_QSTR_mcu_temperature), MP_ROM_PTR(&esp32_mcu_temperature_obj) },
    { MP_ROM_QSTR(MP_QSTR_heap), MP_ROM_PTR(&esp32_heap_obj) },
    { MP_ROM_QSTR(MP_QSTR_partitions), MP_ROM_PTR(&esp32_partitions_obj) },
    { MP_ROM_QSTR(MP_QSTR_flash_read), MP_ROM_PTR(&esp32_flash_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_flash_write), MP_ROM_PTR(&esp32_flash_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_flash_erase), MP_ROM_PTR(&esp32_flash_erase_obj) },
    { MP_ROM_QSTR(MP_QSTR_rmt_start), MP_ROM_PTR(&esp32_rmt_start_obj) },
    { MP_ROM_QSTR(MP_QSTR_rmt_write), MP_ROM_PTR(&esp32_rmt_write_obj) },
    { MP_ROM_QSTR(MP_QSTR_rmt_busy), MP_ROM_PTR(&esp32_rmt_busy_obj) },
    { MP_ROM_QSTR(MP_QSTR_rmt_end_loop), MP_ROM_PTR(&esp32_rmt_end_loop_obj) },
    { MP_ROM_QSTR(MP_QSTR_rmt_stop), MP_ROM_PTR(&esp32_rmt_stop_obj) },
};
static MP_DEFINE_CONST_DICT(esp32_globals, esp32_globals_table);

const mp_obj_module_t esp32_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&esp32_globals,
};
MP_REGISTER_MODULE(MP_QSTR__esp32, esp32_module);
