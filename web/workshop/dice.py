# Dice: a press throws. Six lights of a strip show the eyes.
from machine import Pin
from neopixel import NeoPixel
import random
import time

strip = NeoPixel(Pin(8), 6)
button = Pin(10, Pin.IN, Pin.PULL_UP)
throws = 0
down = False
last = time.ticks_add(time.ticks_ms(), -1000)


def pressed(pin):                   # the button bounces: the finger moves down, up, down, up
    global throws, last, down
    now = time.ticks_ms()
    if time.ticks_diff(now, last) > 30:
        down = not down
        if down:
            throws += 1
    last = now


def show(eyes):
    for n in range(6):
        strip[n] = (0, 40, 0) if n < eyes else (0, 0, 0)
    strip.write()


button.irq(pressed, Pin.IRQ_FALLING | Pin.IRQ_RISING)
show(0)
done = 0
while True:
    if done != throws:
        done += 1
        for n in range(10):                         # it rolls
            show(random.randint(1, 6))
            time.sleep_ms(30)
        eyes = random.randint(1, 6)
        show(eyes)
        print("throw", done, "eyes", eyes)
    time.sleep_ms(10)
