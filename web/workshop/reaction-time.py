# Reaction time: the light comes on after a while; press as fast as you can. The callback takes the time.
from machine import Pin
import random
import time

led = Pin(7, Pin.OUT, value=0)
button = Pin(10, Pin.IN, Pin.PULL_UP)
at = None


def pressed(pin):
    global at
    if at is None:
        at = time.ticks_us()


button.irq(pressed, Pin.IRQ_FALLING)
while True:
    print("wait for the light")
    at = None
    time.sleep_ms(random.randint(800, 2500))
    if at is not None:
        print("too early")
        time.sleep_ms(500)
        continue
    begin = time.ticks_us()
    led.on()
    while at is None and time.ticks_diff(time.ticks_us(), begin) < 3000000:
        time.sleep_ms(1)
    led.off()
    if at is None:
        print("nobody pressed")
    else:
        print("%.1f ms" % (time.ticks_diff(at, begin) / 1000))
    time.sleep_ms(700)
