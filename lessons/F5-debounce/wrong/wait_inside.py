import lab
from machine import Pin
from time import ticks_diff, ticks_us

count = 0
last = ticks_us() - 100000


def changed(pin):
    global count, last
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 20000:
        pass
    if not pin.value() and ticks_diff(start, last) > 20000:
        count += 1
        last = ticks_us()


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING, hard=lab.hard())
