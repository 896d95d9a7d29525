# Door bell: a press rings two tones. The button bounces: what follows an edge within 30 ms is the same movement.
from machine import Pin, Timer
import time

led = Pin(7, Pin.OUT, value=0)
bell = Pin(4, Pin.OUT, value=0)
button = Pin(10, Pin.IN, Pin.PULL_UP)
tone = Timer(0)
presses = 0
down = False
last = time.ticks_add(time.ticks_ms(), -1000)


def changed(pin):                   # the finger moves down, up, down, up
    global presses, last, down
    now = time.ticks_ms()
    if time.ticks_diff(now, last) > 30:
        down = not down
        if down:
            presses += 1
    last = now


def swing(timer):                   # twice in a period of the tone
    bell.value(not bell.value())


def ring():
    led.on()
    for hz in (880, 660):
        tone.init(freq=2 * hz, mode=Timer.PERIODIC, callback=swing)
        time.sleep_ms(300)
    tone.deinit()
    led.off()


button.irq(changed, Pin.IRQ_FALLING | Pin.IRQ_RISING)
rung = 0
while True:
    if rung != presses:
        rung += 1
        print("ding dong", rung)
        ring()
    time.sleep_ms(10)
