from machine import Pin
from time import ticks_diff, ticks_us

sensor = Pin(5, Pin.IN)
begin = 0


def changed(pin):               # hard: within microseconds of the edge
    global begin
    now = ticks_us()
    if pin.value():
        begin = now
    elif begin:
        note(ticks_diff(now, begin))


def look():
    pass


sensor.irq(changed, Pin.IRQ_RISING | Pin.IRQ_FALLING, hard=True)
