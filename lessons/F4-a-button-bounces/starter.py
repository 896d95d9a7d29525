import lab
from machine import Pin
from time import ticks_diff, ticks_us

# Ten presses and ten releases of the real button. Put the edges into groups, one for each of these
# movements, and measure the longest time from the first to the last edge of a group.
groups = worst = 0


def changed(pin):
    global groups
    groups += 1


def publish():
    state = lab.lock()
    lab.value("groups", groups)
    lab.value("worst_us", worst)
    lab.unlock(state)


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
while lab.running():
    for i in range(100):
        pass
    lab.beat()
    publish()

button.irq(None)
publish()
lab.done()
