# A timer outlives the program, its only reference, a collection and Ctrl-C (lesson L24).
import gc
from machine import Timer

ran = 0


def cb(t):
    global ran
    ran += 1


def bar():
    Timer(0, period=10, callback=cb)


bar()
gc.collect()
