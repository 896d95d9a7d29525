import lab
import micropython
from machine import Timer

# Repair `measure` and `tick`: when `measure` has ended, in whatever way, no interrupt may come and
# no callback may sample. The driver gives `sample()` and `work()`, which is the measurement, and
# fails now and then: that is for the caller to know.
micropython.alloc_emergency_exception_buf(256)


def tick(t):
    sample()


def measure():
    t = Timer(1)
    t.init(freq=lab.rate(), callback=tick, hard=lab.hard())
    work()
    t.deinit()
