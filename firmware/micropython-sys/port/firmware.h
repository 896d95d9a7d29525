// The border between the C core and the Rust firmware; the Rust half is described in ../src/lib.rs.
#ifndef ISRLAB_FIRMWARE_H
#define ISRLAB_FIRMWARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What can interrupt: machine.Timer(0..1) with an alarm of their own, timers that share one alarm, pins, UART1, I2C0 as a
// target.
#define FW_SLOTS (21)
#define FW_ALARMS (2)
#define FW_TIMERS (8)
#define FW_FIRST_PIN (FW_TIMERS)
#define FW_PINS (11)
#define FW_UART (19)
#define FW_I2C_TARGET (20)

// Where an exception happened.
enum { FW_CONTEXT_HARD = 0, FW_CONTEXT_SOFT = 1, FW_CONTEXT_MAIN = 2 };

// What became of a hard callback.
enum { PORT_HARD_RETURNED = 0, PORT_HARD_RAISED = 1, PORT_HARD_ABORTED = 2 };

// Time. Ticks are those of the system timer, 16 MHz.
uint64_t fw_ticks(void);
uint64_t fw_micros(void);

// Consoles.
int fw_console_read(void);
bool fw_console_readable(void);
bool fw_console_writable(void);
void fw_console_write(const char *text, size_t len);

// Interrupts of lessons.
uint32_t fw_lesson_irq_disable(void);
void fw_lesson_irq_enable(uint32_t enabled);
int fw_timer_start(uint32_t slot, uint64_t period_ticks, bool repeat, bool hard, uint32_t priority);
void fw_timer_stop(uint32_t slot);
uint64_t fw_timer_elapsed_ticks(uint32_t slot);
void fw_silence(void);
// Triggers: 0 none, 1 rising, 2 falling, 3 both edges, 4 low, 5 high level.
void fw_pin_irq_start(uint32_t pin, uint32_t trigger, bool hard, uint32_t priority);
void fw_pin_irq_stop(uint32_t pin);
uint32_t fw_pin_trigger(uint32_t pin);
void fw_pin_set_trigger(uint32_t pin, uint32_t trigger);
uint32_t fw_pin_flags(uint32_t pin);
void fw_pin_irq_call(uint32_t pin);
int fw_fire(void);
void fw_burst(uint32_t count);
void fw_trace(int32_t value);

// Bookkeeping of callbacks.
void fw_soft_enter(uint32_t slot);
void fw_soft_exit(uint32_t slot);
void fw_source_failed(uint32_t slot);
void fw_report_exception(uint32_t context, const char *class_name, size_t class_len, const char *text, size_t text_len);
typedef struct {
    uint32_t expected, fired, missed, ran, dropped, queued, disabled;
} fw_source_stats_t;
void fw_source_stats(uint32_t slot, fw_source_stats_t *stats);

// Pins; their levels are read and written in mphalport.h.
enum { FW_PULL_DOWN = 1, FW_PULL_UP = 2 };
bool fw_pin_valid(uint32_t pin);
// Mode: bits for input, output, open drain. Pull: bits above. Drive: 0 to 3. -1 leaves it.
void fw_pin_configure(uint32_t pin, int32_t mode, int32_t pull, int32_t drive);
bool fw_pin_written(uint32_t pin);

// Flash partition of the file system, in bytes from its start. 0 or a negative errno.
uint32_t fw_flash_size(void);
int fw_flash_read(uint32_t offset, uint8_t *bytes, size_t len);
int fw_flash_write(uint32_t offset, const uint8_t *bytes, size_t len);
int fw_flash_erase(uint32_t offset, size_t len);

// What the partition table says, and the whole chip by addresses.
typedef struct { uint8_t kind, subtype; bool encrypted; uint32_t address, size; char label[17]; } fw_partition_t;
bool fw_partition(uint32_t index, fw_partition_t *entry);
int fw_chip_flash_read(uint32_t address, uint8_t *bytes, size_t len);
int fw_chip_flash_write(uint32_t address, const uint8_t *bytes, size_t len);
int fw_chip_flash_erase(uint32_t address, size_t len);

// The lab module. Names and options stay valid until the VM restarts.
typedef struct { const char *text; size_t len; } fw_text_t;
enum { FW_TOO_MANY = -1, FW_NAME_TOO_LONG = -2, FW_OTHER_KIND = -3, FW_RESERVED = -4 };
int fw_control_number(fw_text_t name, int32_t value, int32_t lo, int32_t hi);
int fw_control_choice(fw_text_t name, const fw_text_t *options, size_t count, int32_t index);
int fw_control_find(fw_text_t name);
bool fw_control_is_choice(uint32_t control);
int32_t fw_control_value(uint32_t control);
int fw_value_slot(fw_text_t name);
void fw_value_set(uint32_t value, int32_t number);
int32_t fw_value_get(uint32_t value);
int32_t fw_value_add(uint32_t value, int32_t number);
int fw_histogram_slot(fw_text_t name);
int fw_array_slot(fw_text_t name, const int32_t *items, size_t len);
void fw_histogram_add(uint32_t histogram, uint32_t us);
void fw_trigger(fw_text_t name);
void fw_mark(uint32_t mark, int32_t value);
void fw_beat(uint32_t loops);
bool fw_running(void);
void fw_done(void);
uint32_t fw_rate(void);
bool fw_hard(void);
void fw_lab_timer_start(void);

// Life of the VM.
void fw_vm_started(void);
void fw_program_begins(void);
void fw_program_ended(bool raised);
// The same for a line typed at the prompt, which is no run.
void fw_statement_ended(void);
// Time and memory that outlive a reset. The calendar counts from 2000.
uint64_t fw_calendar_us(void);
void fw_calendar_set_us(uint64_t us);
uint8_t *fw_rtc_memory(size_t *len);
bool fw_rtc_memory_resize(size_t len);

// Peripherals.
void fw_adc_prepare(uint32_t pin);
uint32_t fw_adc_read(uint32_t pin, uint32_t attenuation);
void fw_wdt_start(uint32_t timeout_ms);
void fw_wdt_feed(void);
// Cycles of a zero bit's high and low part, then of a one bit's.
void fw_bitstream(uint32_t pin, const uint32_t *cycles, const uint8_t *bytes, size_t len);
void fw_unique_id(uint8_t *mac);
// Tenths of a degree Celsius.
int32_t fw_temperature(void);
// RMT: divider and cycles of the carrier are those of 80 MHz. Words have to stay until fw_rmt_busy denies.
void fw_rmt_start(uint32_t channel, uint32_t pin, uint32_t divider, bool idle, uint32_t high, uint32_t low, bool level);
void fw_rmt_write(uint32_t channel, const uint32_t *words, size_t count, bool loops);
bool fw_rmt_busy(uint32_t channel);
void fw_rmt_end_loop(uint32_t channel);
void fw_rmt_stop(uint32_t channel);
// LEDC: a timer counts to 2^bits, a count for each divider/256 cycles of 80 MHz; duties are counts.
void fw_pwm_timer(uint32_t timer, uint32_t divider, uint32_t bits);
void fw_pwm_timer_stop(uint32_t timer);
void fw_pwm_start(uint32_t channel, uint32_t timer, uint32_t pin, uint32_t duty, bool inverted);
void fw_pwm_duty(uint32_t channel, uint32_t duty);
void fw_pwm_stop(uint32_t channel, bool level);
// Parity: 0 even, 1 odd, else none.
bool fw_uart_start(uint32_t baud, uint32_t bits, int32_t parity, uint32_t stop, uint32_t tx, uint32_t rx);
void fw_uart_stop(void);
uint32_t fw_uart_any(void);
int fw_uart_read(void);
size_t fw_uart_write(const uint8_t *bytes, size_t len);
bool fw_uart_is_idle(void);
void fw_uart_irq(uint32_t trigger, bool hard);
uint32_t fw_uart_irq_trigger(void);
uint32_t fw_uart_irq_flags(void);
// I2C0 as a target. What happens on the bus is told in its routine, where `wanted` has to write a byte, now or later.
typedef struct {
    bool (*in_transfer)(void);
    void (*received)(void);
    void (*wanted)(bool first);
    void (*restarted)(void);
    void (*stopped)(bool write);
} fw_i2c_target_events_t;
void fw_i2c_target_start(uint32_t address, uint32_t scl, uint32_t sda, const fw_i2c_target_events_t *events);
void fw_i2c_target_stop(void);
size_t fw_i2c_target_read(uint8_t *bytes, size_t len);
size_t fw_i2c_target_write(const uint8_t *bytes, size_t len);
void fw_i2c_target_irq_start(bool hard);
void fw_i2c_target_irq_stop(void);
void fw_i2c_target_event(void);

// Sleeps end after a time (-1: never) or by a pin.
void fw_wake_on_pins(uint32_t mask, bool high);
void fw_light_sleep(int32_t ms);
_Noreturn void fw_deep_sleep(int32_t ms);
uint32_t fw_wake_reason(void);

_Noreturn void fw_chip_reset(void);
_Noreturn void fw_chip_bootloader(void);
uint32_t fw_reset_cause(void);

#endif
