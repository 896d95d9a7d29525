# Encoder menu: turn to choose, push to take. When a falls, b tells the way.
from machine import Pin
import time

ITEMS = ("tea", "coffee", "cocoa", "soup", "water")
a = Pin(5, Pin.IN, Pin.PULL_UP)
b = Pin(6, Pin.IN, Pin.PULL_UP)
push = Pin(10, Pin.IN, Pin.PULL_UP)
place = pushes = 0
down = False
last = time.ticks_add(time.ticks_ms(), -1000)


def turned(pin):
    global place
    place += 1 if b.value() else -1


def pushed(pin):                    # down, up, down, up
    global pushes, last, down
    now = time.ticks_ms()
    if time.ticks_diff(now, last) > 30:
        down = not down
        if down:
            pushes += 1
    last = now


a.irq(turned, Pin.IRQ_FALLING)
push.irq(pushed, Pin.IRQ_FALLING | Pin.IRQ_RISING)
shown = taken = 0
print("choose:", ITEMS[0])
while True:
    if shown != place:
        shown = place
        print("choose:", ITEMS[shown % len(ITEMS)])
    if taken != pushes:
        taken = pushes
        print("taken:", ITEMS[shown % len(ITEMS)])
    time.sleep_ms(10)
