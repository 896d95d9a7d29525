# fails
from machine import Pin


def rose(pin):
    note(5000)


def look():
    pass


Pin(5, Pin.IN).irq(rose, Pin.IRQ_FALLING, hard=True)
