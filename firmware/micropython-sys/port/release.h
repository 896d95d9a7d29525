// What differs between the releases of MicroPython that the firmware can be built from (../releases.rs).
#ifndef ISRLAB_RELEASE_H
#define ISRLAB_RELEASE_H

// Until 1.25 it was called NORETURN, which a C library may know for something else.
#ifndef MP_NORETURN
#define MP_NORETURN __attribute__((noreturn))
#endif

// From 1.26 a port that names its own integer formats names this one, too.
#define HEX_FMT "%x"

// extmod/machine_i2c_target.c is there from 1.26 on.
#define PORT_HAS_I2C_TARGET (MICROPY_VERSION >= MICROPY_MAKE_VERSION(1, 26, 0))

#endif
