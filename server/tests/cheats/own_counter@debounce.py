# fails
import lab
from machine import Pin

count = 0


def changed(pin):
    global count
    count += 1
    lab.value("presses", 12)
    lab.value("count_off", 0)
    lab.value("count", 12)


Pin(10, Pin.IN, Pin.PULL_UP).irq(changed, Pin.IRQ_FALLING)
