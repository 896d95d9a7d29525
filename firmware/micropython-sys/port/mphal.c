// py/mphal.h on top of the firmware: console, time, waiting.

#include "py/mphal.h"
#include "py/mpstate.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "port/firmware.h"


int mp_hal_stdin_rx_chr(void) {
    for (;;) {
        int c = fw_console_read();
        if (c >= 0) {
            return c;
        }
        mp_event_wait_indefinite();
    }
}

uintptr_t mp_hal_stdio_poll(uintptr_t flags) {
    uintptr_t ready = 0;
    if ((flags & MP_STREAM_POLL_RD) && fw_console_readable()) {
        ready |= MP_STREAM_POLL_RD;
    }
    if ((flags & MP_STREAM_POLL_WR) && fw_console_writable()) {
        ready |= MP_STREAM_POLL_WR;
    }
    return ready;
}

mp_uint_t mp_hal_stdout_tx_strn(const char *text, size_t len) {
    fw_console_write(text, len);
    return len;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return fw_micros() / 1000;
}

mp_uint_t mp_hal_ticks_us(void) {
    return fw_micros();
}

uint64_t mp_hal_time_ns(void) {
    return fw_calendar_us() * 1000;
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = fw_micros() + (uint64_t)ms * 1000;
    mp_handle_pending(true);
    for (;;) {
        uint64_t now = fw_micros();
        if (now >= end) {
            return;
        }
        // As mp_event_wait_ms, which would come back at once while typed input waits.
        mp_event_handle_nowait();
        uint64_t left_us = end - now;
        fw_doze_us(left_us > 1000000 ? 1000000 : left_us);
    }
}

// Safe points only while more than this remains, as ports/esp32/mphalport.c:mp_hal_delay_us.
#define PENDING_OVERHEAD_US (150)

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = fw_micros() + us;
    for (;;) {
        uint64_t now = fw_micros();
        if (now >= end) {
            return;
        }
        if (end - now > PENDING_OVERHEAD_US) {
            mp_handle_pending(true);
        }
    }
}

// The same without safe points, for protocols that count microseconds.
void mp_hal_delay_us_fast(mp_uint_t us) {
    uint64_t end = fw_ticks() + (uint64_t)us * 16;
    while (fw_ticks() < end) {
    }
}

// machine.bitstream. Python's interrupts wait until the end: a strip takes a long gap for the end of the picture.
void machine_bitstream_high_low(mp_hal_pin_obj_t pin, uint32_t *timing_ns, const uint8_t *bytes, size_t len) {
    uint32_t cycles[4];
    for (size_t i = 0; i < 4; i++) {
        cycles[i] = (uint64_t)timing_ns[i] * 160 / 1000;
    }
    fw_bitstream(pin, cycles, bytes, len);
}
