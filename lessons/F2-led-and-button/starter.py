from machine import Pin

# The LED shall be on exactly while the button is pressed.
button = Pin(10, Pin.IN, Pin.PULL_UP)
led = Pin(4, Pin.OUT, value=0)


def change(pin):
    led.value(not led.value())


button.irq(change, Pin.IRQ_FALLING)
