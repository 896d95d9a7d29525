# Strip: one light runs along while a timer interrupts a thousand times a second. The button turns it round.
from machine import Pin, Timer
from neopixel import NeoPixel
import time

HARD = False
LIGHTS = 8
STEP_MS = 100
strip = NeoPixel(Pin(8), LIGHTS)
button = Pin(10, Pin.IN, Pin.PULL_UP)
ticks = 0
way = 1


def tick(timer):
    global ticks
    ticks += 1


def pressed(pin):
    global way
    way = -way


place = 0
drawn = 0


def draw():
    global drawn
    for n in range(LIGHTS):
        strip[n] = (40, 0, 7) if n == place else (0, 0, 0)
    strip.write()
    drawn += 1


draw()
Timer(0).init(freq=1000, mode=Timer.PERIODIC, callback=tick, hard=HARD)
button.irq(pressed, Pin.IRQ_FALLING, hard=HARD)
due = STEP_MS
was = way
while True:
    if ticks >= due:
        due += STEP_MS
        place = (place + way) % LIGHTS
        draw()
        if way != was:
            was = way
            print("round at", place, "drawn", drawn)
    time.sleep_ms(1)
