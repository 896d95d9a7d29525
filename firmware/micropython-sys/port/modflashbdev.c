// flashbdev.bdev: the flash partition of the file system as a block device (docs/library/vfs.rst, extended interface).

#include "py/mperrno.h"
#include "py/runtime.h"
#include "extmod/vfs.h"
#include "port/firmware.h"

#define BLOCK_BYTES (4096)

static uint32_t byte_offset(size_t n_args, const mp_obj_t *args) {
    return mp_obj_get_int(args[1]) * BLOCK_BYTES + (n_args > 3 ? mp_obj_get_int(args[3]) : 0);
}

static mp_obj_t bdev_readblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[2], &buffer, MP_BUFFER_WRITE);
    return MP_OBJ_NEW_SMALL_INT(fw_flash_read(byte_offset(n_args, args), buffer.buf, buffer.len));
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(bdev_readblocks_obj, 3, 4, bdev_readblocks);

static mp_obj_t bdev_writeblocks(size_t n_args, const mp_obj_t *args) {
    mp_buffer_info_t buffer;
    mp_get_buffer_raise(args[2], &buffer, MP_BUFFER_READ);
    uint32_t offset = byte_offset(n_args, args);
    int result = 0;
    // Without an offset the whole block is replaced, so it has to be erased first.
    if (n_args == 3) {
        result = fw_flash_erase(offset, buffer.len);
    }
    if (result == 0) {
        result = fw_flash_write(offset, buffer.buf, buffer.len);
    }
    return MP_OBJ_NEW_SMALL_INT(result);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(bdev_writeblocks_obj, 3, 4, bdev_writeblocks);

static mp_obj_t bdev_ioctl(mp_obj_t self_in, mp_obj_t request, mp_obj_t arg) {
    switch (mp_obj_get_int(request)) {
        case MP_BLOCKDEV_IOCTL_INIT:
        case MP_BLOCKDEV_IOCTL_DEINIT:
        case MP_BLOCKDEV_IOCTL_SYNC:
            return MP_OBJ_NEW_SMALL_INT(0);
        case MP_BLOCKDEV_IOCTL_BLOCK_COUNT:
            return MP_OBJ_NEW_SMALL_INT(fw_flash_size() / BLOCK_BYTES);
        case MP_BLOCKDEV_IOCTL_BLOCK_SIZE:
            return MP_OBJ_NEW_SMALL_INT(BLOCK_BYTES);
        case MP_BLOCKDEV_IOCTL_BLOCK_ERASE:
            return MP_OBJ_NEW_SMALL_INT(fw_flash_erase(mp_obj_get_int(arg) * BLOCK_BYTES, BLOCK_BYTES));
        default:
            return mp_const_none;
    }
}
static MP_DEFINE_CONST_FUN_OBJ_3(bdev_ioctl_obj, bdev_ioctl);

static const mp_rom_map_elem_t bdev_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_readblocks), MP_ROM_PTR(&bdev_readblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_writeblocks), MP_ROM_PTR(&bdev_writeblocks_obj) },
    { MP_ROM_QSTR(MP_QSTR_ioctl), MP_ROM_PTR(&bdev_ioctl_obj) },
};
static MP_DEFINE_CONST_DICT(bdev_locals_dict, bdev_locals_dict_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    bdev_type,
    MP_QSTR_FlashPartition,
    MP_TYPE_FLAG_NONE,
    locals_dict, &bdev_locals_dict
    );

static const mp_obj_base_t bdev_obj = { &bdev_type };

static const mp_rom_map_elem_t flashbdev_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_flashbdev) },
    { MP_ROM_QSTR(MP_QSTR_bdev), MP_ROM_PTR(&bdev_obj) },
};
static MP_DEFINE_CONST_DICT(flashbdev_globals, flashbdev_globals_table);

const mp_obj_module_t flashbdev_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&flashbdev_globals,
};
MP_REGISTER_MODULE(MP_QSTR_flashbdev, flashbdev_module);
