# Encoder at speed: every edge of both contacts moves the place by a quarter of a step, in the direction that the table tells.
from machine import Pin
import time

HARD = False
# By the levels of a and b before and now. Two contacts that change between two calls leave the direction open.
QUARTERS = (0, -1, 1, 0, 1, 0, 0, -1, -1, 0, 0, 1, 0, 1, -1, 0)
a = Pin(5, Pin.IN, Pin.PULL_UP)
b = Pin(6, Pin.IN, Pin.PULL_UP)
levels = a() << 1 | b()
quarters = skipped = calls = 0


def turned(pin):
    global levels, quarters, skipped, calls
    now = a() << 1 | b()
    quarters += QUARTERS[levels << 2 | now]
    if levels ^ now == 3:
        skipped += 1
    levels = now
    calls += 1


a.irq(turned, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=HARD)
b.irq(turned, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=HARD)
print("turn")
shown = 0
while True:
    before = calls
    time.sleep_ms(50)
    if calls == before and calls != shown:          # it stands still again
        shown = calls
        print("place", quarters / 4, "calls", calls, "skipped", skipped)
