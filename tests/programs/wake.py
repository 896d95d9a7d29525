# Wakes from deep sleep: the chip is reset, main.py begins anew and finds in its memory how often that happened. Put this on the
# board as main.py, or nothing goes on after the reset; Ctrl-D lets it sleep again.
from machine import DEEPSLEEP_RESET, GPIO_WAKE, Pin, RTC, deepsleep, reset_cause, wake_reason
import esp32
import time

button = Pin(3, Pin.IN, Pin.PULL_UP)
led = Pin(7, Pin.OUT, value=1)
memory = RTC()
woken = memory.memory()[0] if memory.memory() else 0
if reset_cause() == DEEPSLEEP_RESET:
    woken += 1
    memory.memory(bytes([woken]))
    print("woken", woken, "by the button" if wake_reason() == GPIO_WAKE else "by the timer")
else:
    while not button():                             # held, it would wake the board at once
        time.sleep_ms(5)
    time.sleep_ms(20)                               # let go, it bounces, which would, too
    esp32.wake_on_gpio([button], esp32.WAKEUP_ALL_LOW)
    led(0)
    print("asleep")
    deepsleep(60000)
