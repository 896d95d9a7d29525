# Range finder: the interrupts of the echo's two edges take the time, so that main is free while the sound is on its way.
from machine import Pin
import time

HARD = False
trigger = Pin(4, Pin.OUT, value=0)
echo = Pin(3, Pin.IN)
rose = fell = 0
measured = 0


def changed(pin):
    global rose, fell, measured
    now = time.ticks_us()
    if pin():
        rose = now
    else:
        fell = now
        measured += 1


echo.irq(changed, Pin.IRQ_RISING | Pin.IRQ_FALLING, hard=HARD)
trigger(1)                                          # the first one brings the callback into the cache; it is not shown
time.sleep_us(10)
trigger(0)
time.sleep_ms(60)
while True:
    before = measured
    trigger(1)
    time.sleep_us(10)
    trigger(0)
    time.sleep_ms(60)
    us = time.ticks_diff(fell, rose)
    if measured == before or us > 30000:
        print("nothing in sight")
    else:
        print(us, "us,", us * 3432 // 20000, "mm")
    time.sleep_ms(140)
