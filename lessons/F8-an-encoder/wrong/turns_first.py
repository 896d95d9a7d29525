import lab
from machine import Pin

a = Pin(5, Pin.IN, Pin.PULL_UP)
b = Pin(6, Pin.IN, Pin.PULL_UP)
position = turns = 0


def step(pin):
    global position, turns
    position += 1 if b.value() else -1
    turns = position // 20


def look():
    around = turns
    for i in range(30):
        pass
    here = position
    return here, around


a.irq(step, Pin.IRQ_FALLING, hard=lab.hard())
