// machine.PWM(pin, freq=5000, *, duty=, duty_u16=, duty_ns=, invert=False); extmod/machine_pwm.c includes this file.
//
// Arguments, ranges, defaults, texts and the sharing of timers as ports/esp32/machine_pwm.c of 1.26 has them for this chip:
// pins with one frequency share a timer, 4 frequencies and 6 pins at once, 13 bits of resolution at most. Different here:
// duty_ns is taken in the constructor as well, as the documentation of machine.PWM has it; a duty that is asked for is
// the one that was set, also before the timer has come round; lightsleep is accepted, since pins keep moving in this
// firmware's light sleep anyway.

#include "py/mperrno.h"
#include "py/mphal.h"
#include "port/firmware.h"
#include "port/machine.h"

#define PWM_CHANNELS (6)
#define PWM_TIMERS (4)
#define PWM_CLOCK_HZ (80000000)
#define PWM_FREQ_MAX (PWM_CLOCK_HZ / 2)
#define PWM_FREQ_DEFAULT (5000)
#define PWM_DUTY_FULL (1u << 16)
#define PWM_DUTY_BITS_MAX (13)
// The divider has 10 whole bits and 8 of a fraction (TRM, LEDC_CLK_DIV_TIMERx).
#define PWM_DIVIDER_ONE (1u << 8)
#define PWM_DIVIDER_MAX (0x3ffffu)

// How a duty was given, which decides how it is printed and what a change of the frequency keeps.
enum { DUTY_NONE, DUTY_10, DUTY_16, DUTY_NS };

typedef struct _machine_pwm_obj_t {
    mp_obj_base_t base;
    uint8_t pin;
    int8_t channel; // -1 while it is inactive
    uint8_t scale;
    bool invert, lightsleep;
    int32_t duty; // as it was given
} machine_pwm_obj_t;

// What is shared by all objects of a pin or of a frequency; pin and freq are 0 where nothing is.
static struct { uint8_t used, pin, timer, invert; uint32_t duty_16; } pwm_channels[PWM_CHANNELS];
static struct { uint32_t freq, divider; uint8_t bits; } pwm_timers[PWM_TIMERS];

static bool pwm_timer_in_use(int timer, int but_channel) {
    for (int channel = 0; channel < PWM_CHANNELS; channel++) {
        if (channel != but_channel && pwm_channels[channel].used && pwm_channels[channel].timer == timer) {
            return true;
        }
    }
    return false;
}

static void pwm_release(int channel) {
    int timer = pwm_channels[channel].timer;
    pwm_channels[channel].used = false;
    if (!pwm_timer_in_use(timer, -1)) {
        pwm_timers[timer].freq = 0;
        fw_pwm_timer_stop(timer);
    }
}

// All outputs go low; called when the VM ends.
void machine_pwm_deinit_all(void) {
    for (int channel = 0; channel < PWM_CHANNELS; channel++) {
        if (pwm_channels[channel].used) {
            fw_pwm_stop(channel, false);
            pwm_release(channel);
        }
    }
}

static int pwm_channel(machine_pwm_obj_t *self) {
    if (self->channel < 0 || !pwm_channels[self->channel].used || pwm_channels[self->channel].pin != self->pin) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("PWM is inactive"));
    }
    return self->channel;
}

static void pwm_check_freq(mp_int_t freq) {
    if (freq <= 0 || freq > PWM_FREQ_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("frequency must be from 1Hz to %dMHz"), PWM_FREQ_MAX / 1000000);
    }
}

static uint32_t pwm_divider(uint32_t freq, unsigned bits) {
    uint64_t counts_hz = (uint64_t)freq << bits;
    return (uint32_t)((((uint64_t)PWM_CLOCK_HZ * PWM_DIVIDER_ONE) + counts_hz / 2) / counts_hz);
}

// The finest resolution whose divider the timer has.
static unsigned pwm_bits(uint32_t freq) {
    unsigned bits = 1;
    while (bits < PWM_DUTY_BITS_MAX && pwm_divider(freq, bits + 1) >= PWM_DIVIDER_ONE) {
        bits++;
    }
    return bits;
}

// Finds the timer of a frequency, or one that is free, or the channel's own where nobody shares it; -1: there is none.
static int pwm_find_timer(uint32_t freq, int channel) {
    int own = channel >= 0 && pwm_channels[channel].used ? pwm_channels[channel].timer : -1;
    int found = own >= 0 && !pwm_timer_in_use(own, channel) ? own : -1;
    for (int timer = 0; timer < PWM_TIMERS; timer++) {
        if (pwm_timers[timer].freq == freq) {
            return timer;
        }
        if (pwm_timers[timer].freq == 0 && found < 0) {
            found = timer;
        }
    }
    return found;
}

static uint32_t pwm_duty_to_ns(uint32_t duty_16, uint32_t freq) {
    return ((uint64_t)duty_16 * 1000000000 + (uint64_t)freq * (PWM_DUTY_FULL / 2)) / ((uint64_t)freq * PWM_DUTY_FULL);
}

static uint32_t pwm_ns_to_duty(uint32_t ns, uint32_t freq) {
    uint64_t duty = ((uint64_t)ns * PWM_DUTY_FULL * freq + 500000000) / 1000000000;
    if (ns > 0 && duty == 0) {
        return 1;
    }
    return MIN(duty, PWM_DUTY_FULL);
}

// Takes a duty as it is given; the greatest value of a scale means always high.
static void pwm_take_duty(machine_pwm_obj_t *self, int scale, mp_int_t duty, uint32_t freq) {
    if (scale == DUTY_16) {
        if (duty < 0 || duty > (mp_int_t)PWM_DUTY_FULL - 1) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("duty_u16 must be from 0 to %d"), PWM_DUTY_FULL);
        }
        self->duty = duty == PWM_DUTY_FULL - 1 ? PWM_DUTY_FULL : duty;
    } else if (scale == DUTY_10) {
        if (duty < 0 || duty > 1023) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("duty must be from 0 to %u"), 1023);
        }
        self->duty = duty == 1023 ? 1024 : duty;
    } else {
        mp_int_t most = pwm_duty_to_ns(PWM_DUTY_FULL, freq);
        if (duty < 0 || duty > most) {
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("duty_ns must be from 0 to %d ns"), (int)most);
        }
        self->duty = duty;
    }
    self->scale = scale;
}

// Puts what the object holds into the hardware.
static void pwm_apply(machine_pwm_obj_t *self, uint32_t freq, int timer, int channel) {
    if (pwm_timers[timer].freq != freq) {
        unsigned bits = pwm_bits(freq);
        uint32_t divider = pwm_divider(freq, bits);
        if (divider > PWM_DIVIDER_MAX) {
            // What the driver of an official board says below 9.6 Hz.
            mp_obj_t args[2] = { MP_OBJ_NEW_SMALL_INT(1), MP_OBJ_NEW_QSTR(MP_QSTR_ESP_FAIL) };
            nlr_raise(mp_obj_new_exception_args(&mp_type_OSError, 2, args));
        }
        pwm_timers[timer].freq = freq;
        pwm_timers[timer].bits = bits;
        pwm_timers[timer].divider = divider;
        fw_pwm_timer(timer, divider, bits);
    }
    uint32_t duty_16 = self->scale == DUTY_NS ? pwm_ns_to_duty(self->duty, freq)
        : self->scale == DUTY_10 ? (uint32_t)self->duty << 6 : (uint32_t)self->duty;
    unsigned shift = 16 - pwm_timers[timer].bits;
    bool begins = !pwm_channels[channel].used || pwm_channels[channel].timer != timer
        || pwm_channels[channel].invert != self->invert;
    int before = pwm_channels[channel].used ? pwm_channels[channel].timer : -1;
    pwm_channels[channel].used = true;
    pwm_channels[channel].pin = self->pin;
    pwm_channels[channel].timer = timer;
    pwm_channels[channel].invert = self->invert;
    pwm_channels[channel].duty_16 = duty_16 >> shift << shift;
    self->channel = channel;
    if (begins) {
        fw_pwm_start(channel, timer, self->pin, duty_16 >> shift, self->invert);
    } else {
        fw_pwm_duty(channel, duty_16 >> shift);
    }
    if (before >= 0 && before != timer && !pwm_timer_in_use(before, -1)) {
        pwm_timers[before].freq = 0;
        fw_pwm_timer_stop(before);
    }
}

static void pwm_set_freq(machine_pwm_obj_t *self, uint32_t freq, int channel) {
    int timer = pwm_find_timer(freq, channel);
    if (timer < 0) {
        mp_raise_msg_varg(&mp_type_RuntimeError, MP_ERROR_TEXT("out of %sPWM timers:%d"), "", PWM_TIMERS);
    }
    pwm_apply(self, freq, timer, channel);
}

static uint32_t pwm_freq_of(int channel) {
    return pwm_timers[pwm_channels[channel].timer].freq;
}

// The frequency that the divider comes to.
static uint32_t pwm_real_freq(int channel) {
    int timer = pwm_channels[channel].timer;
    uint64_t counts = (uint64_t)pwm_timers[timer].divider << pwm_timers[timer].bits;
    return ((uint64_t)PWM_CLOCK_HZ * PWM_DIVIDER_ONE + counts / 2) / counts;
}

static uint32_t pwm_get_u16(machine_pwm_obj_t *self) {
    return MIN(pwm_channels[pwm_channel(self)].duty_16, PWM_DUTY_FULL - 1);
}

static uint32_t pwm_get_ns(machine_pwm_obj_t *self) {
    return pwm_duty_to_ns(pwm_get_u16(self), pwm_freq_of(pwm_channel(self)));
}

static void mp_machine_pwm_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_pwm_obj_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "PWM(Pin(%u)", self->pin);
    if (self->channel >= 0) {
        mp_printf(print, ", freq=%u", (unsigned)pwm_real_freq(pwm_channel(self)));
        if (self->scale == DUTY_10) {
            mp_printf(print, ", duty=%u", (unsigned)(pwm_get_u16(self) >> 6));
        } else if (self->scale == DUTY_NS) {
            mp_printf(print, ", duty_ns=%u", (unsigned)pwm_get_ns(self));
        } else {
            mp_printf(print, ", duty_u16=%u", (unsigned)pwm_get_u16(self));
        }
        if (self->invert) {
            mp_printf(print, ", invert=True");
        }
        if (self->lightsleep) {
            mp_printf(print, ", lightsleep=True");
        }
    }
    mp_printf(print, ")");
}

static void mp_machine_pwm_init_helper(machine_pwm_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_freq, ARG_duty, ARG_duty_u16, ARG_duty_ns, ARG_invert, ARG_lightsleep };
    mp_arg_t allowed[] = {
        { MP_QSTR_freq,       MP_ARG_INT,                   { .u_int = -1 } },
        { MP_QSTR_duty,       MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = -1 } },
        { MP_QSTR_duty_u16,   MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = -1 } },
        { MP_QSTR_duty_ns,    MP_ARG_KW_ONLY | MP_ARG_INT,  { .u_int = -1 } },
        { MP_QSTR_invert,     MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = self->invert } },
        { MP_QSTR_lightsleep, MP_ARG_KW_ONLY | MP_ARG_BOOL, { .u_bool = self->lightsleep } },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed), allowed, args);

    int channel = -1;
    for (int n = PWM_CHANNELS - 1; n >= 0; n--) {
        if (pwm_channels[n].used && pwm_channels[n].pin == self->pin) {
            channel = n;
            break;
        }
        if (!pwm_channels[n].used) {
            channel = n;
        }
    }
    bool own = channel >= 0 && pwm_channels[channel].used;
    mp_int_t freq = args[ARG_freq].u_int;
    if (freq == -1) {
        freq = own ? (mp_int_t)pwm_freq_of(channel) : PWM_FREQ_DEFAULT;
    } else {
        pwm_check_freq(freq);
    }
    if (args[ARG_duty_u16].u_int >= 0) {
        pwm_take_duty(self, DUTY_16, args[ARG_duty_u16].u_int, freq);
    } else if (args[ARG_duty_ns].u_int >= 0) {
        pwm_take_duty(self, DUTY_NS, args[ARG_duty_ns].u_int, freq);
    } else if (args[ARG_duty].u_int >= 0) {
        pwm_take_duty(self, DUTY_10, args[ARG_duty].u_int, freq);
    } else if (self->scale == DUTY_NONE) {
        pwm_take_duty(self, DUTY_16, PWM_DUTY_FULL / 2, freq);
    }
    self->invert = args[ARG_invert].u_bool;
    self->lightsleep = args[ARG_lightsleep].u_bool;
    if (channel < 0) {
        mp_raise_msg_varg(&mp_type_RuntimeError, MP_ERROR_TEXT("out of %sPWM channels:%d"), "", PWM_CHANNELS);
    }
    pwm_set_freq(self, freq, channel);
}

static mp_obj_t mp_machine_pwm_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 1, 2, true);
    machine_pwm_obj_t *self = mp_obj_malloc(machine_pwm_obj_t, &machine_pwm_type);
    self->pin = mp_hal_get_pin_obj(args[0]);
    self->channel = -1;
    self->scale = DUTY_NONE;
    self->invert = false;
    self->lightsleep = false;
    mp_map_t kw_args;
    mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
    mp_machine_pwm_init_helper(self, n_args - 1, args + 1, &kw_args);
    return MP_OBJ_FROM_PTR(self);
}

static void mp_machine_pwm_deinit(machine_pwm_obj_t *self) {
    int channel = self->channel;
    if (channel >= 0 && pwm_channels[channel].used && pwm_channels[channel].pin == self->pin) {
        fw_pwm_stop(channel, self->invert);
        pwm_release(channel);
    }
    self->channel = -1;
    self->scale = DUTY_NONE;
    self->invert = false;
    self->lightsleep = false;
}

static mp_obj_t mp_machine_pwm_freq_get(machine_pwm_obj_t *self) {
    return MP_OBJ_NEW_SMALL_INT(pwm_real_freq(pwm_channel(self)));
}

static void mp_machine_pwm_freq_set(machine_pwm_obj_t *self, mp_int_t freq) {
    int channel = pwm_channel(self);
    pwm_check_freq(freq);
    if ((uint32_t)freq != pwm_freq_of(channel)) {
        pwm_set_freq(self, freq, channel);
    }
}

static void pwm_set_duty(machine_pwm_obj_t *self, int scale, mp_int_t duty) {
    int channel = pwm_channel(self);
    uint32_t freq = pwm_freq_of(channel);
    pwm_take_duty(self, scale, duty, freq);
    pwm_apply(self, freq, pwm_channels[channel].timer, channel);
}

static mp_obj_t mp_machine_pwm_duty_get(machine_pwm_obj_t *self) {
    return MP_OBJ_NEW_SMALL_INT(pwm_get_u16(self) >> 6);
}

static void mp_machine_pwm_duty_set(machine_pwm_obj_t *self, mp_int_t duty) {
    pwm_set_duty(self, DUTY_10, duty);
}

static mp_obj_t mp_machine_pwm_duty_get_u16(machine_pwm_obj_t *self) {
    return MP_OBJ_NEW_SMALL_INT(pwm_get_u16(self));
}

static void mp_machine_pwm_duty_set_u16(machine_pwm_obj_t *self, mp_int_t duty) {
    pwm_set_duty(self, DUTY_16, duty);
}

static mp_obj_t mp_machine_pwm_duty_get_ns(machine_pwm_obj_t *self) {
    return mp_obj_new_int(pwm_get_ns(self));
}

static void mp_machine_pwm_duty_set_ns(machine_pwm_obj_t *self, mp_int_t duty) {
    pwm_set_duty(self, DUTY_NS, duty);
}
