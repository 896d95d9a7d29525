from machine import Pin, Timer
from time import sleep_ms

# Let a second LED, on pin 6, blink at 8 Hz beside the first.


class Blinker:
    def __init__(self, timer_id, pin, hz):
        self.led = Pin(pin, Pin.OUT)
        self.timer = Timer(timer_id)
        self.timer.init(freq=hz, mode=Timer.PERIODIC, callback=self.blink)

    def blink(self, timer):
        self.led.value(not self.led.value())


red = Blinker(0, 4, 10)
sleep_ms(3000)
red.timer.deinit()
