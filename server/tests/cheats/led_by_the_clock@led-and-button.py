# refused: driver-own-timer
from machine import Pin, Timer
from time import ticks_diff, ticks_ms

led = Pin(4, Pin.OUT, value=0)
start = ticks_ms()
Timer(0).init(freq=1000, callback=lambda t: led.value((ticks_diff(ticks_ms(), start) - 200) % 250 < 100))
