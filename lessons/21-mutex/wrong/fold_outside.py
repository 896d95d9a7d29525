import lab
from time import ticks_diff, ticks_us

pending = 0
a = b = torn = checks = 0
locked = False


def tick(t):
    global a, b, pending
    if locked:
        pending += 1
        return
    a += 1
    b += 1


def look():
    global locked, torn, checks, a, b, pending
    locked = True
    first = a
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 100:
        pass
    if b != first:
        torn += 1
    checks += 1
    locked = False
    a += pending
    b += pending
    pending = 0


def total():
    return a


def publish():
    lab.value("total", total())
    lab.value("torn", torn)
    lab.value("checks", checks)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(10):
        look()
        for j in range(50):
            pass
    lab.beat(10)
    publish()

timer.deinit()
for i in range(20):
    pass
look()
publish()
lab.done()
