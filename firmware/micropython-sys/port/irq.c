// Dispatch of Python callbacks from interrupts, shared by Timer and Pin.
//
// Hard: the order of shared/runtime/mpirq.c:mp_irq_handler. Soft: the scheduler's queue, as
// ports/esp32/machine_timer.c:machine_timer_isr uses it.

#include "py/gc.h"
#include "py/mphal.h"
#include "py/mpprint.h"
#include "py/objexcept.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "port/machine.h"

MP_REGISTER_ROOT_POINTER(mp_obj_t irq_callback[21]);
MP_REGISTER_ROOT_POINTER(mp_obj_t irq_argument[21]);
MP_REGISTER_ROOT_POINTER(mp_obj_t irq_queued[MICROPY_SCHEDULER_DEPTH]);
MP_REGISTER_ROOT_POINTER(mp_obj_t irq_fire_function);
MP_REGISTER_ROOT_POINTER(mp_obj_t irq_fire_argument);

// A hard callback may run on top of a main program that has used its share of the stack.
#define HARD_CALLBACK_STACK_BYTES (16 * 1024)

void port_irq_attach(uint32_t slot, mp_obj_t callback, mp_obj_t argument) {
    MP_STATE_PORT(irq_callback)[slot] = callback;
    MP_STATE_PORT(irq_argument)[slot] = argument;
}

mp_obj_t port_irq_callback(uint32_t slot) {
    return MP_STATE_PORT(irq_callback)[slot];
}

mp_int_t port_irq_priority(mp_int_t priority) {
    if (priority < PORT_PRIORITY_MIN || priority > PORT_PRIORITY_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("priority must be 1 to 7"));
    }
    return priority;
}

// Runs a callback under hard rules. Legal in any interrupt of a lesson; the VM may be anywhere.
PORT_RAM("call_hard") static int call_hard(mp_obj_t function, mp_obj_t argument) {
    int outcome = PORT_HARD_RETURNED;
    mp_sched_lock();
    gc_lock();
    nlr_buf_t *outer_abort = nlr_get_abort();
    MP_STATE_THREAD(stack_limit) += HARD_CALLBACK_STACK_BYTES;
    nlr_buf_t nlr;
    nlr_set_abort(&nlr);
    if (nlr_push(&nlr) == 0) {
        mp_call_function_1(function, argument);
        nlr_pop();
    } else if (nlr.ret_val == NULL) {
        outcome = PORT_HARD_ABORTED;
    } else {
        outcome = PORT_HARD_RAISED;
    }
    MP_STATE_THREAD(stack_limit) -= HARD_CALLBACK_STACK_BYTES;
    nlr_set_abort(outer_abort);
    if (outcome == PORT_HARD_RAISED) {
        mp_printf(MICROPY_ERROR_PRINTER, "Uncaught exception in IRQ callback handler\n");
        mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr.ret_val));
        port_report_exception(FW_CONTEXT_HARD, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    gc_unlock();
    mp_sched_unlock();
    return outcome;
}

// Called by the interrupt routine of a slot whose callback is hard. Returns PORT_HARD_*.
PORT_RAM("irq_hard") int port_irq_hard(uint32_t slot) {
    mp_obj_t callback = MP_STATE_PORT(irq_callback)[slot];
    int outcome = call_hard(callback, MP_STATE_PORT(irq_argument)[slot]);
    if (outcome != PORT_HARD_RETURNED) {
        fw_source_failed(slot);
    }
    return outcome;
}

// Called by the interrupt of lab.fire().
int port_irq_fired(void) {
    return call_hard(MP_STATE_PORT(irq_fire_function), MP_STATE_PORT(irq_fire_argument));
}

int port_irq_fire(mp_obj_t function, mp_obj_t argument) {
    MP_STATE_PORT(irq_fire_function) = function;
    MP_STATE_PORT(irq_fire_argument) = argument;
    return fw_fire();
}

// A soft event in the scheduler's queue is a small int: its slot, and above it its place in irq_queued, which keeps the
// callback that the slot had at the event. Whoever takes that callback away or gives another one changes nothing for
// events that wait: ports/esp32/machine_pin.c:machine_pin_isr_handler queues the callback itself.
#define PLACE_SHIFT (8)

// Calls the callback of a queued event in the main context.
PORT_RAM("soft_entry") static mp_obj_t soft_entry(mp_obj_t event_obj) {
    mp_uint_t event = MP_OBJ_SMALL_INT_VALUE(event_obj);
    uint32_t slot = event & ((1 << PLACE_SHIFT) - 1);
    mp_obj_t *place = &MP_STATE_PORT(irq_queued)[event >> PLACE_SHIFT];
    mp_obj_t callback = *place;
    *place = MP_OBJ_NULL;
    fw_soft_enter(slot);
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_call_function_1(callback, MP_STATE_PORT(irq_argument)[slot]);
        nlr_pop();
    } else {
        fw_soft_exit(slot);
        nlr_jump(nlr.ret_val);
    }
    fw_soft_exit(slot);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(soft_entry_obj, soft_entry);

// Called by the interrupt routine of a slot whose callback is soft. False: the queue is full.
PORT_RAM("irq_soft") bool port_irq_soft(uint32_t slot) {
    bool queued = false;
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    for (uint32_t place = 0; place < MICROPY_SCHEDULER_DEPTH; place++) {
        if (MP_STATE_PORT(irq_queued)[place] == MP_OBJ_NULL) {
            queued = mp_sched_schedule(MP_OBJ_FROM_PTR(&soft_entry_obj), MP_OBJ_NEW_SMALL_INT(place << PLACE_SHIFT | slot));
            if (queued) {
                MP_STATE_PORT(irq_queued)[place] = MP_STATE_PORT(irq_callback)[slot];
            }
            break;
        }
    }
    MICROPY_END_ATOMIC_SECTION(state);
    return queued;
}

PORT_RAM("queue_depth") uint32_t port_queue_depth(void) {
    return mp_sched_num_pending();
}

// What py/scheduler.c calls for every queued function (the build renames mp_call_function_1_protected
// there): the same, and the exception is reported as well as printed.
PORT_RAM("call_scheduled") mp_obj_t port_call_scheduled(mp_obj_t function, mp_obj_t argument) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_obj_t result = mp_call_function_1(function, argument);
        nlr_pop();
        return result;
    }
    mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    port_report_exception(FW_CONTEXT_SOFT, MP_OBJ_FROM_PTR(nlr.ret_val));
    return MP_OBJ_NULL;
}

// Where a text is built that is only known as an object.
typedef struct { char bytes[24]; size_t len; } short_text_t;

static void short_text_add(void *data, const char *text, size_t len) {
    short_text_t *out = data;
    for (size_t i = 0; i < len && out->len < sizeof(out->bytes); i++) {
        out->bytes[out->len++] = text[i];
    }
}

// Tells the firmware class and text of an exception. Allocates nothing; call after printing it.
void port_report_exception(uint32_t context, mp_obj_t exception) {
    size_t class_len;
    const char *class_name = (const char *)qstr_data(mp_obj_get_type(exception)->name, &class_len);
    const char *text = "";
    size_t text_len = 0;
    short_text_t number = { .len = 0 };
    mp_obj_t value = mp_obj_exception_get_value(exception);
    if (mp_obj_is_str(value)) {
        text = mp_obj_str_get_data(value, &text_len);
    } else if (mp_obj_is_small_int(value)) {
        mp_print_t print = { &number, short_text_add };
        mp_printf(&print, "%d", (int)MP_OBJ_SMALL_INT_VALUE(value));
        text = number.bytes;
        text_len = number.len;
    }
    fw_report_exception(context, class_name, class_len, text, text_len);
}

// Whether main is to be interrupted, or left.
bool port_vm_interrupted(void) {
    return MP_STATE_THREAD(mp_pending_exception) != MP_OBJ_NULL || MP_STATE_VM(vm_abort);
}

bool port_vm_pending(void) {
    return MP_STATE_VM(sched_state) == MP_SCHED_PENDING || MP_STATE_THREAD(mp_pending_exception) != MP_OBJ_NULL
           || MP_STATE_VM(vm_abort);
}
