# A hard callback that moves the only reference while the collector marks.
import gc
from machine import Timer, disable_irq, enable_irq

N = 12000


def churn():
    return len([bytearray(b"Z" * 64) for i in range(300)])


def intact():
    s = disable_irq()
    p = lst[0][0]
    q = lst[-1][0]
    enable_irq(s)
    return p in (65, 66) and q in (65, 66) and p != q


def run(hard, what, period):
    global lst, idx, swaps
    lst = None
    gc.collect()
    lst = [None] * N
    lst[0] = bytearray(b"A" * 64)
    lst[-1] = bytearray(b"B" * 64)
    idx = swaps = 0

    def references(t):
        global swaps
        lst[0], lst[-1] = lst[-1], lst[0]
        swaps += 1

    def index(t):
        global idx, swaps
        idx = 1 - idx
        swaps += 1

    bad = False
    t = Timer(0, callback=references if what == "references" else index, period=period, tick_hz=1000000, hard=hard)
    for i in range(40):
        gc.collect()
        churn()
        if not intact():
            bad = True
            break
    t.deinit()
    lst = None
    print("hard" if hard else "soft", what, period, "swaps", swaps, "corrupted", int(bad))


for p in (153, 397):
    run(False, "references", p)
    run(True, "index", p)
    run(True, "references", p)
