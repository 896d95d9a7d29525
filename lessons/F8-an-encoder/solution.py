import lab
from machine import Pin

a = Pin(5, Pin.IN, Pin.PULL_UP)
b = Pin(6, Pin.IN, Pin.PULL_UP)
position = torn = 0             # one number, written by the callback only


def step(pin):
    global position
    position += 1 if b.value() else -1


def look():
    global torn
    here = position             # one read; the rest follows from it
    for i in range(30):
        pass
    around = here // 20
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
