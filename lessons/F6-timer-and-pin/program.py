from machine import Pin, Timer
from time import sleep_ms


class Blinker:
    def __init__(self, timer_id, pin, hz):
        self.led = Pin(pin, Pin.OUT)
        self.count = 0
        self.timer = Timer(timer_id)
        self.timer.init(freq=hz, mode=Timer.PERIODIC, callback=self.blink)

    def blink(self, timer):
        self.led.value(not self.led.value())
        self.count += 1


presses = 0


def pressed(pin):
    global presses
    presses += 1


button = Pin(10, Pin.IN, Pin.PULL_UP)
button.irq(handler=pressed, trigger=Pin.IRQ_FALLING)
red = Blinker(0, 4, 10)
green = Blinker(1, 6, 8)
try:
    sleep_ms(3000)
finally:
    red.timer.deinit()
    green.timer.deinit()
    button.irq(handler=None)
print("red", red.count, "green", green.count, "presses", presses)
