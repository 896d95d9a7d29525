import lab
from machine import Pin
from time import ticks_diff, ticks_us

count = 0
last = ticks_us() - 500000


def changed(pin):
    global count, last
    now = ticks_us()
    if ticks_diff(now, last) > 200000:
        count += 1
        last = now


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING, hard=lab.hard())
