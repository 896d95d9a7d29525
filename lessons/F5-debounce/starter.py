import lab
from machine import Pin
from time import ticks_diff, ticks_us

# Count every press once: twelve, some in quick pairs. Nobody may wait.
count = last = 0


def changed(pin):
    global count
    if not pin.value():
        count += 1


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
while lab.running():
    for i in range(100):
        pass
    lab.beat()
    lab.value("count", count)

button.irq(None)
lab.value("count", count)
lab.done()
