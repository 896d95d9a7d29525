import lab
from machine import Pin

# The knob closes two contacts, a and b, one after the other. When a falls, b tells the way.
lab.choice("work", ("loop", "c_call"), "loop")
a = Pin(5, Pin.IN, Pin.PULL_UP)
b = Pin(6, Pin.IN, Pin.PULL_UP)
table = bytes(12000)
position = 0


def step(pin):
    global position
    if b.value():
        position += 1
    else:
        position -= 1


a.irq(step, Pin.IRQ_FALLING, hard=lab.hard())
while lab.running():
    if lab.get("work") == "c_call":
        sum(table)
    else:
        for i in range(300):
            pass
    lab.beat()
    lab.value("position", position)

a.irq(None)
for i in range(20):
    pass
lab.value("position", position)
lab.done()
