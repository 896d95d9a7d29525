import lab
import micropython
from machine import Timer

micropython.alloc_emergency_exception_buf(256)


def tick(t):
    sample()


def measure():
    t = Timer(1)
    t.init(freq=lab.rate(), callback=tick, hard=lab.hard())
    try:
        work()
    finally:
        t.deinit()
