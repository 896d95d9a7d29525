# Rain gauge: each tip of the bucket closes a contact for a moment, and is 0.2794 mm of rain.
from machine import Pin
import time

MM_A_TIP = 0.2794
contact = Pin(5, Pin.IN, Pin.PULL_UP)
tips = 0
closed = False
last = time.ticks_add(time.ticks_ms(), -1000)


def tipped(pin):                    # the contact closes, opens, closes, and bounces each time
    global tips, last, closed
    now = time.ticks_ms()
    if time.ticks_diff(now, last) > 30:
        closed = not closed
        if closed:
            tips += 1
    last = now


contact.irq(tipped, Pin.IRQ_FALLING | Pin.IRQ_RISING)
shown = 0
while True:
    if shown != tips:
        shown = tips
        print("tips", shown, "rain %.2f mm" % (shown * MM_A_TIP))
    time.sleep_ms(50)
