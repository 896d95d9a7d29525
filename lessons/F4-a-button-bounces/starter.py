import lab
from machine import Pin
from time import ticks_diff, ticks_us

# Ten presses and ten releases of the real button. Put the edges into groups, one for each of these
# movements, and measure the longest time from the first to the last edge of a group. The driver
# reads `groups` and `worst`, in microseconds.
groups = worst = 0


def changed(pin):
    global groups
    groups += 1


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(changed, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
