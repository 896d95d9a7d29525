import lab
from machine import Pin

# The callback keeps two numbers that belong together. Main must never see them disagree. The driver
# calls `look` and compares what it returns.
a = Pin(5, Pin.IN, Pin.PULL_UP)
b = Pin(6, Pin.IN, Pin.PULL_UP)
position = turns = 0


def step(pin):
    global position, turns
    position += 1 if b.value() else -1
    turns = position // 20


def look():                     # main: position and whole turns
    here = position
    for i in range(30):
        pass
    around = turns
    return here, around


a.irq(step, Pin.IRQ_FALLING, hard=lab.hard())
