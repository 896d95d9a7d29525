import lab
from machine import Pin
from time import sleep_ms

button = Pin(10, Pin.IN, Pin.PULL_UP)
led = Pin(4, Pin.OUT, value=0)
checks = wrong = 0


def change(pin):
    led.value(not pin.value())


button.irq(change, Pin.IRQ_FALLING | Pin.IRQ_RISING)
while lab.running():
    pressed = not button.value()
    sleep_ms(3)
    if pressed == (not button.value()):
        checks += 1
        if led.value() != pressed:
            wrong += 1
    lab.beat()
    lab.value("checks", checks)
    lab.value("wrong", wrong)

button.irq(None)
lab.done()
