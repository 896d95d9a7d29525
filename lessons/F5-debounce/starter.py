import lab
from machine import Pin

# Count every press once: twelve, some in quick pairs. Nobody may wait. The driver reads `count`.
count = 0


def changed(pin):
    global count
    if not pin.value():
        count += 1


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
