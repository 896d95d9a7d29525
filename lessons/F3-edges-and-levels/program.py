import lab
from array import array
from machine import Pin

# A sensor gives pulses of 5 ms. The callback is called at each rising edge, and reads the level.
lab.choice("work", ("loop", "c_call"), "loop")
sensor = Pin(5, Pin.IN)
table = bytes(12000)
high = low = 0


def rose(pin):
    global high, low
    if pin.value():
        high += 1
    else:
        low += 1


def publish():
    state = lab.lock()
    lab.value("high", high)
    lab.value("low", low)
    lab.unlock(state)


sensor.irq(rose, Pin.IRQ_RISING, hard=lab.hard())
while lab.running():
    if lab.get("work") == "c_call":
        sum(table)              # one call, no safe point inside
    else:
        for i in range(500):
            pass
    lab.beat()
    publish()

sensor.irq(None)
for i in range(20):
    pass
publish()
lab.done()
