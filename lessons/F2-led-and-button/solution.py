from machine import Pin

button = Pin(10, Pin.IN, Pin.PULL_UP)
led = Pin(4, Pin.OUT, value=0)


def change(pin):
    led.value(not pin.value())


button.irq(change, Pin.IRQ_FALLING | Pin.IRQ_RISING)
