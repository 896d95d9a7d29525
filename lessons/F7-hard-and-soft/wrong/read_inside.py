from machine import Pin

signal = Pin(5, Pin.IN)


def edge(pin):
    note()
    read()


def work():
    pass


signal.irq(edge, Pin.IRQ_RISING, hard=True)
