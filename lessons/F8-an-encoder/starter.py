import lab
from machine import Pin

# The callback keeps two numbers that belong together. Main must never see them disagree.
a = Pin(5, Pin.IN, Pin.PULL_UP)
b = Pin(6, Pin.IN, Pin.PULL_UP)
position = turns = torn = 0


def step(pin):
    global position, turns
    position += 1 if b.value() else -1
    turns = position // 20


def look():                     # main: position and whole turns
    global torn
    here = position
    for i in range(30):
        pass
    around = turns
    if around != here // 20:
        torn += 1


a.irq(step, Pin.IRQ_FALLING, hard=lab.hard())
while lab.running():
    for i in range(50):
        look()
    lab.beat()
    lab.value("position", position)
    lab.value("torn", torn)

a.irq(None)
lab.value("position", position)
lab.value("torn", torn)
lab.done()
