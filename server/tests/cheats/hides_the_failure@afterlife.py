# fails
import lab
from machine import Timer


def tick(t):
    sample()


def measure():
    t = Timer(1)
    t.init(freq=lab.rate(), callback=tick, hard=lab.hard())
    try:
        work()
    except ValueError:
        pass
    t.deinit()
