import lab
from machine import Pin
from time import ticks_diff, ticks_us

groups = worst = last = 0


def changed(pin):
    global groups, worst, last
    now = ticks_us()
    if ticks_diff(now, last) > worst:
        worst = ticks_diff(now, last)
    if groups == 0 or ticks_diff(now, last) > 20000:
        groups += 1
    last = now


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
