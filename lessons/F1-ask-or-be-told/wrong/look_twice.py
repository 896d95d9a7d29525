from machine import Pin
from time import sleep_ms

bell = Pin(10, Pin.IN, Pin.PULL_UP)
count = 0
before = 1


def look_once():
    global before, count
    now = bell.value()
    if now == 0 and before == 1:
        count += 1
    before = now


def look():
    look_once()
    sleep_ms(10)
    look_once()
