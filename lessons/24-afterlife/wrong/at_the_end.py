import lab
import micropython
from machine import Timer

micropython.alloc_emergency_exception_buf(256)
active = False


def tick(t):
    if active:
        sample()


def measure():
    global active
    t = Timer(1)
    active = True
    t.init(freq=lab.rate(), callback=tick, hard=lab.hard())
    work()
    active = False
    t.deinit()
