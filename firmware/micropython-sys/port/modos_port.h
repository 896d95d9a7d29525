// os.urandom; included by extmod/modos.c.
#include "py/runtime.h"

static mp_obj_t mp_os_urandom(mp_obj_t count) {
    vstr_t bytes;
    vstr_init_len(&bytes, mp_obj_get_int(count));
    uint32_t word = 0;
    for (size_t i = 0; i < bytes.len; i++) {
        if (i % 4 == 0) {
            word = fw_random();
        }
        bytes.buf[i] = (char)word;
        word >>= 8;
    }
    return mp_obj_new_bytes_from_vstr(&bytes);
}
static MP_DEFINE_CONST_FUN_OBJ_1(mp_os_urandom_obj, mp_os_urandom);
