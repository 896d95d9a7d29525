import lab
from machine import Pin
from time import ticks_diff, ticks_us

# Ten presses. The callback counts falling edges, and puts those into one group that follow each
# other within 20 ms.
GAP_US = 20000
lab.choice("button", ("ideal", "real"), "ideal")
told = groups = worst = first = last = 0


def fell(pin):
    global told, groups, worst, first, last
    now = ticks_us()
    if told == 0 or ticks_diff(now, last) > GAP_US:
        groups += 1
        first = now
    elif ticks_diff(now, first) > worst:
        worst = ticks_diff(now, first)
    last = now
    told += 1


def publish():
    state = lab.lock()
    lab.value("told", told)
    lab.value("groups", groups)
    lab.value("worst_us", worst)
    lab.unlock(state)


button = Pin(9 if lab.get("button") == "ideal" else 10, Pin.IN, Pin.PULL_UP)
button.irq(fell, Pin.IRQ_FALLING, hard=lab.hard())
while lab.running():
    for i in range(100):
        pass
    lab.beat()
    publish()

button.irq(None)
publish()
lab.done()
