# fails
from machine import Pin

bell = Pin(10, Pin.OUT, value=1)
count = 0


def look():
    global count
    if count < 10:
        bell.value(0)
        bell.value(1)
        count += 1
