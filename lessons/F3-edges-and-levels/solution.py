import lab
from machine import Pin
from time import ticks_diff, ticks_us

sensor = Pin(5, Pin.IN)
table = bytes(12000)
begin = width = pulses = 0
narrow = 1000000


def changed(pin):               # hard: within microseconds of the edge
    global begin, width, narrow, pulses
    now = ticks_us()
    if pin.value():
        begin = now
    elif begin:
        length = ticks_diff(now, begin)
        if length > width:
            width = length
        if length < narrow:
            narrow = length
        pulses += 1


sensor.irq(changed, Pin.IRQ_RISING | Pin.IRQ_FALLING, hard=True)
while lab.running():
    sum(table)                  # main's work
    lab.beat()
    lab.value("width", width)
    lab.value("narrow", narrow)
    lab.value("pulses", pulses)

sensor.irq(None)
lab.done()
