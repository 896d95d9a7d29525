import lab
from machine import Pin
from time import ticks_diff, ticks_us

GAP_US = 20000
groups = worst = first = last = 0


def changed(pin):
    global groups, worst, first, last
    now = ticks_us()
    if groups == 0 or ticks_diff(now, last) > GAP_US:
        groups += 1
        first = now
    elif ticks_diff(now, first) > worst:
        worst = ticks_diff(now, first)
    last = now


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
