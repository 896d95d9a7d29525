// Life of the VM: start, prompts, soft reset, and a restart from outside.

#include <string.h>

#include "py/builtin.h"
#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/mperrno.h"
#include "py/bc.h"
#include "py/parse.h"
#include "py/runtime.h"
#include "shared/readline/readline.h"
#include "shared/runtime/gchelper.h"
#include "shared/runtime/interrupt_char.h"
#include "shared/runtime/pyexec.h"
#include "extmod/modmachine.h"
#include "port/machine.h"

const char fw_help_text[] =
    "MicroPython for ISR Lab: interrupts that you can count.\n"
    "\n"
    "machine.Timer and machine.Pin.irq take hard=True: the callback then runs inside the interrupt.\n"
    "The lab module counts, marks and publishes; help(lab) lists it.\n"
    "CTRL-A raw prompt, CTRL-B normal prompt, CTRL-C interrupt, CTRL-D soft reset, CTRL-E paste.\n";

// The bytecode that runs now, NULL outside the VM. With the switch VM its `ip` is the bytecode being
// executed, which is how an instruction of the chip is mapped to a line of Python.
volatile const mp_code_state_t *port_code_state;

// Where the interned strings begin, for whoever reads names out of the board's memory.
qstr_pool_t **const port_last_pool __attribute__((used)) = (qstr_pool_t **)&MP_STATE_VM(last_pool);

// py/vm.c is compiled with its entry renamed, so that entry and every exit pass here. It returns
// exceptions as a value; only nlr_jump_abort skips it, and those who catch that restore the pointer.
mp_vm_return_kind_t port_vm_execute(mp_code_state_t *code_state, volatile mp_obj_t inject_exc);

PORT_RAM("execute_bytecode") mp_vm_return_kind_t mp_execute_bytecode(mp_code_state_t *code_state, volatile mp_obj_t inject_exc) {
    volatile const mp_code_state_t *outer = port_code_state;
    port_code_state = code_state;
    mp_vm_return_kind_t kind = port_vm_execute(code_state, inject_exc);
    port_code_state = outer;
    return kind;
}

void gc_collect(void) {
    gc_collect_start();
    gc_helper_collect_regs_and_stack();
    gc_collect_end();
}

// Reports how a program ended; called by shared/runtime/pyexec.c.
void port_program_ended(int input_kind, void *exception) {
    if (input_kind != MP_PARSE_FILE_INPUT) {
        fw_statement_ended();
        return;
    }
    bool raised = false;
    if (exception != NULL) {
        const mp_obj_type_t *type = ((mp_obj_base_t *)exception)->type;
        raised = !mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(type), MP_OBJ_FROM_PTR(&mp_type_SystemExit));
        if (raised) {
            port_report_exception(FW_CONTEXT_MAIN, MP_OBJ_FROM_PTR(exception));
        }
    }
    fw_program_ended(raised);
}

static void run_startup_files(void) {
    pyexec_frozen_module("_boot.py", false);
    int result = pyexec_file_if_exists("boot.py");
    if (!(result & PYEXEC_FORCED_EXIT) && pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL && result != 0) {
        pyexec_file_if_exists("main.py");
    }
}

static void serve_prompts(void) {
    for (;;) {
        int result = pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl();
        if (result != 0) {
            return;
        }
    }
}

// Runs the VM until the chip is reset. Entered again, on a fresh stack, when the VM is restarted from
// outside; nothing of the old one is touched then.
_Noreturn void port_vm_run(uint8_t *stack_top, size_t stack_bytes, uint8_t *heap, size_t heap_bytes) {
    for (;;) {
        memset(&mp_state_ctx, 0, sizeof(mp_state_ctx));
        mp_cstack_init_with_top(stack_top, stack_bytes);
        gc_init(heap, heap + heap_bytes);
        mp_init();
        // As ports/esp32/main.c.
        mp_obj_list_append(mp_sys_path, mp_obj_new_str_from_cstr("/lib"));
        readline_init0();
        port_code_state = NULL;
        fw_vm_started();

        nlr_buf_t abort;
        nlr_set_abort(&abort);
        if (nlr_push(&abort) == 0) {
            run_startup_files();
            serve_prompts();
            nlr_pop();
            mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
        } else {
            // The program did not answer a KeyboardInterrupt; a host waits for the friendly prompt.
            pyexec_mode_kind = PYEXEC_MODE_FRIENDLY_REPL;
            mp_hal_stdout_tx_str("\r\nMPY: restarted, the program did not stop\r\n");
        }
        mp_hal_set_interrupt_char(-1);
        fw_silence();
        fw_uart_stop();
        #if MICROPY_PY_MACHINE_I2C_TARGET
        mp_machine_i2c_target_deinit_all();
        #endif
        machine_pwm_deinit_all();
        fw_rmt_stop(0);
        fw_rmt_stop(1);
        gc_sweep_all();
        mp_deinit();
    }
}

// The same after the firmware threw away the stack: also says so, and starts in the friendly mode.
_Noreturn void port_vm_run_after_restart(uint8_t *stack_top, size_t stack_bytes, uint8_t *heap, size_t heap_bytes) {
    pyexec_mode_kind = PYEXEC_MODE_FRIENDLY_REPL;
    mp_hal_set_interrupt_char(-1);
    mp_hal_stdout_tx_str("\r\nMPY: restarted, the program did not stop\r\n");
    port_vm_run(stack_top, stack_bytes, heap, heap_bytes);
}

// Asks main for a KeyboardInterrupt at its next safe point. Call from an interrupt.
void port_keyboard_interrupt(void) {
    mp_sched_keyboard_interrupt();
}

// Makes the innermost hard callback, or else main, give up at its next jump, past any `except`.
void port_vm_abort(bool abort) {
    MP_STATE_VM(vm_abort) = abort;
}

int port_interrupt_char(void) {
    return mp_interrupt_char;
}

void nlr_jump_fail(void *value) {
    fw_chip_reset();
}
