// Configuration of the MicroPython core for the lesson firmware.
//
// Values that a learner can observe (object representation, queue depth, float width, feature level)
// are those of ports/esp32/mpconfigport.h, so that soft rows agree with official boards.
#ifndef ISRLAB_MPCONFIGPORT_H
#define ISRLAB_MPCONFIGPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <alloca.h>
#include <sys/types.h>

#define MICROPY_CONFIG_ROM_LEVEL                (MICROPY_CONFIG_ROM_LEVEL_EXTRA_FEATURES)

// What values look like, as on the official ESP32 port.
#define MICROPY_OBJ_REPR                        (MICROPY_OBJ_REPR_A)
#define MICROPY_LONGINT_IMPL                    (MICROPY_LONGINT_IMPL_MPZ)
#define MICROPY_FLOAT_IMPL                      (MICROPY_FLOAT_IMPL_FLOAT)
// Longer texts than on official boards where a name helps a learner: `cb() takes 0 positional arguments ...`.
#define MICROPY_ERROR_REPORTING                 (MICROPY_ERROR_REPORTING_DETAILED)
#define MICROPY_ALLOC_PATH_MAX                  (128)
#define MICROPY_WARNINGS                        (1)
typedef int32_t mp_int_t;
typedef uint32_t mp_uint_t;
typedef long mp_off_t;
#define UINT_FMT "%u"
#define INT_FMT "%d"
#include "port/release.h"
#define MP_SSIZE_MAX (0x7fffffff)

// Memory and the C stack.
#define MICROPY_ENABLE_GC                       (1)
#define MICROPY_STACK_CHECK                     (1)
#define MICROPY_STACK_CHECK_MARGIN              (1024)
#define MICROPY_ENABLE_EMERGENCY_EXCEPTION_BUF  (1)
#define MICROPY_EMERGENCY_EXCEPTION_BUF_SIZE    (0)

// The switch VM: it stores code_state->ip at every dispatch, which the race explorer watches.
#define MICROPY_OPT_COMPUTED_GOTO               (0)
// Ctrl-C during a scheduled function ends that function, as on the official ESP32 port: with threads, which that
// port has, py/vm.c looks for a pending exception at every jump; without threads only while the scheduler is free.
#define MICROPY_VM_HOOK_LOOP \
    if (MP_STATE_THREAD(mp_pending_exception) != MP_OBJ_NULL && MP_STATE_VM(sched_state) == MP_SCHED_LOCKED \
        && MP_STATE_THREAD(gc_lock_depth) == 0) { \
        mp_handle_pending(true); \
    }
// A callback that never returns is left through nlr_jump_abort (see irq.c and lifecycle.c).
#define MICROPY_ENABLE_VM_ABORT                 (1)
#define MICROPY_PERSISTENT_CODE_LOAD            (1)
#define MICROPY_EMIT_RV32                       (1)
// Data RAM is executable only through its alias on the instruction bus
// (ESP32-C3 TRM, 3.3.2 "Internal Memory": 0x3FC8_0000 and 0x4038_0000 are the same SRAM 1).
#define MICROPY_MAKE_POINTER_CALLABLE(p)        ((void *)(((mp_uint_t)(p) - 0x3FC80000u) < 0x60000u ? (mp_uint_t)(p) + 0x700000u : (mp_uint_t)(p)))

#define MICROPY_HELPER_REPL                     (1)
#define MICROPY_REPL_INFO                       (0)
#define MICROPY_ENABLE_EXTERNAL_IMPORT          (1)
#define MICROPY_USE_INTERNAL_ERRNO              (1)
#define MICROPY_USE_INTERNAL_PRINTF             (1)
#define MICROPY_STREAMS_POSIX_API               (1)

// The scheduler: depth and order as upstream.
#define MICROPY_ENABLE_SCHEDULER                (1)
#define MICROPY_SCHEDULER_DEPTH                 (8)
#define MICROPY_SCHED_HOOK_SCHEDULED            fw_queue_grew()
void fw_queue_grew(void);

// File system in a flash partition.
#define MICROPY_VFS                             (1)
#define MICROPY_READER_VFS                      (1)
#define MICROPY_VFS_LFS2                        (1)
#define MICROPY_PY_VFS                          (1)

#define MICROPY_PY_BUILTINS_HELP_TEXT           fw_help_text
#define MICROPY_PY_STR_BYTES_CMP_WARN           (1)
#define MICROPY_PY_ALL_INPLACE_SPECIAL_METHODS  (1)
#define MICROPY_PY_IO_BUFFEREDWRITER            (1)
#define MICROPY_PY_SYS_PLATFORM                 "esp32"
#define MICROPY_PY_THREAD                       (0)
#define MICROPY_PY_SSL                          (0)
#define MICROPY_PY_HASHLIB                      (1)
#define MICROPY_PY_HASHLIB_SHA256               (1)
#define MICROPY_PY_HASHLIB_SHA1                 (0)
#define MICROPY_PY_HASHLIB_MD5                  (0)
#define MICROPY_PY_CRYPTOLIB                    (0)
#define MICROPY_PY_DEFLATE                      (0)
#define MICROPY_PY_FRAMEBUF                     (0)
#define MICROPY_PY_ONEWIRE                      (1)
#define MICROPY_PY_WEBSOCKET                    (0)
#define MICROPY_PY_LWIP                         (0)
#define MICROPY_PY_OS_INCLUDEFILE               "port/modos_port.h"
#define MICROPY_PY_OS_DUPTERM                   (0)
#define MICROPY_PY_OS_UNAME                     (1)
#define MICROPY_PY_OS_URANDOM                   (1)
#define MICROPY_PY_OS_SYNC                      (0)
#define MICROPY_PY_RANDOM_SEED_INIT_FUNC        (fw_random())
uint32_t fw_random(void);
#define MICROPY_PY_TIME_INCLUDEFILE             "port/modtime_port.h"
#define MICROPY_PY_TIME_GMTIME_LOCALTIME_MKTIME (1)
#define MICROPY_PY_TIME_TIME_TIME_NS            (1)

#define MICROPY_PY_MACHINE                      (1)
#define MICROPY_PY_MACHINE_INCLUDEFILE          "port/modmachine_port.h"
#define MICROPY_PY_MACHINE_RESET                (1)
#define MICROPY_PY_MACHINE_BOOTLOADER           (1)
#define MICROPY_PY_MACHINE_BARE_METAL_FUNCS     (1)
// Of our own, since interrupts of lessons are masked apart from those of the firmware (irq.c).
#define MICROPY_PY_MACHINE_DISABLE_IRQ_ENABLE_IRQ (0)
#define MICROPY_PY_MACHINE_BITSTREAM            (1)
#define MICROPY_PY_MACHINE_PULSE                (1)
#define MICROPY_PY_MACHINE_PIN_BASE             (0)
#define MICROPY_PY_MACHINE_SIGNAL               (1)
#define MICROPY_PY_MACHINE_SOFTI2C              (1)
#define MICROPY_PY_MACHINE_SOFTSPI              (1)
#define MICROPY_PY_MACHINE_I2C                  (0)
#define MICROPY_PY_MACHINE_SPI                  (0)
#define MICROPY_PY_MACHINE_I2C_TARGET           (PORT_HAS_I2C_TARGET)
#define MICROPY_PY_MACHINE_I2C_TARGET_INCLUDEFILE "port/machine_i2c_target_port.h"
#define MICROPY_PY_MACHINE_I2C_TARGET_MAX       (1)
#define MICROPY_PY_MACHINE_I2C_TARGET_HARD_IRQ  (!ISRLAB_PLAIN)
#define MICROPY_PY_MACHINE_I2C_TARGET_FINALISER (0)
#define MICROPY_PY_MACHINE_ADC                  (1)
#define MICROPY_PY_MACHINE_ADC_INCLUDEFILE      "port/machine_adc_port.h"
#define MICROPY_PY_MACHINE_ADC_ATTEN_WIDTH      (1)
#define MICROPY_PY_MACHINE_ADC_INIT             (1)
#define MICROPY_PY_MACHINE_ADC_DEINIT           (1)
#define MICROPY_PY_MACHINE_ADC_READ             (1)
#define MICROPY_PY_MACHINE_ADC_READ_UV          (1)
#define MICROPY_PY_MACHINE_PWM                  (1)
#define MICROPY_PY_MACHINE_PWM_DUTY             (1)
#define MICROPY_PY_MACHINE_PWM_INCLUDEFILE      "port/machine_pwm_port.h"
#define MICROPY_PY_MACHINE_WDT                  (1)
#define MICROPY_PY_MACHINE_WDT_INCLUDEFILE      "port/machine_wdt_port.h"
#define MICROPY_PY_MACHINE_DHT_READINTO         (1)
#define MICROPY_PY_MACHINE_PIN_MAKE_NEW         mp_pin_make_new
#define MICROPY_PY_MACHINE_UART                 (1)
#define MICROPY_PY_MACHINE_UART_INCLUDEFILE     "port/machine_uart_port.h"
#define MICROPY_PY_MACHINE_UART_IRQ             (1)

#if ISRLAB_PLAIN
// As ports/esp32/boards/ESP32_GENERIC_C3 names itself.
#define MICROPY_HW_BOARD_NAME                   "ESP32C3 module"
#define MICROPY_HW_MCU_NAME                     "ESP32C3"
#else
#define MICROPY_HW_BOARD_NAME                   "ISR Lab"
#define MICROPY_HW_MCU_NAME                     "ESP32-C3"
#endif

// Tells the run about begin and end of a program (lifecycle.c).
#define MICROPY_BOARD_BEFORE_PYTHON_EXEC(input_kind, exec_flags) fw_program_begins()
void fw_program_begins(void);
#define MICROPY_BOARD_AFTER_PYTHON_EXEC(input_kind, exec_flags, ret_val, ret) \
    port_program_ended(input_kind, ret_val)
void port_program_ended(int input_kind, void *exception);

// What runs from RAM, as upstream's ESP32 port has it (mp#7850); all else waits for the flash cache. esp-hal's linker
// script puts these sections there.
#define PORT_RAM(part) __attribute__((section(".rwtext." part)))
#define MICROPY_WRAP_MP_BINARY_OP(f)                PORT_RAM("binary_op") f
#define MICROPY_WRAP_MP_EXECUTE_BYTECODE(f)         PORT_RAM("vm") f
#define MICROPY_WRAP_MP_LOAD_GLOBAL(f)              PORT_RAM("load_global") f
#define MICROPY_WRAP_MP_LOAD_NAME(f)                PORT_RAM("load_name") f
#define MICROPY_WRAP_MP_MAP_LOOKUP(f)               PORT_RAM("map_lookup") f
#define MICROPY_WRAP_MP_OBJ_GET_TYPE(f)             PORT_RAM("get_type") f
#define MICROPY_WRAP_MP_SCHED_EXCEPTION(f)          PORT_RAM("sched_exception") f
#define MICROPY_WRAP_MP_SCHED_KEYBOARD_INTERRUPT(f) PORT_RAM("sched_kbd") f
#define MICROPY_WRAP_MP_SCHED_SCHEDULE(f)           PORT_RAM("sched_schedule") f

#define MP_STATE_PORT MP_STATE_VM

#endif
