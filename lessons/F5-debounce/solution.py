import lab
from machine import Pin
from time import ticks_add, ticks_diff, ticks_us

QUIET_US = 20000
count = 0
down = False
last = ticks_add(ticks_us(), -QUIET_US - 1)


def changed(pin):
    global count, down, last
    now = ticks_us()
    if ticks_diff(now, last) > QUIET_US:
        down = not down         # the first edge after a quiet time: the finger moved
        if down:
            count += 1
    last = now                  # every edge begins the quiet time again


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
