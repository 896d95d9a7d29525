# A hard callback that moves the only reference while the collector marks.
import gc
from machine import Timer, disable_irq, enable_irq

N = 12000
A = 1e6
B = 2e6


# Small floats: whatever takes a freed one's place is another float, so that the damage is a wrong number
# and not a crash of the interpreter. Their number changes, so that the collector does not keep step with the timer.
def churn(round):
    return len([i * 0.5 for i in range(300 + round * 7 % 100)])


def intact():
    s = disable_irq()
    p = lst[0]
    q = lst[-1]
    enable_irq(s)
    return p in (A, B) and q in (A, B) and p != q


def run(hard, what, period):
    global lst, idx, swaps
    lst = None
    gc.collect()
    lst = [None] * N
    lst[0] = A * 1.0
    lst[-1] = B * 1.0
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
        churn(i)
        if not intact():
            bad = True
            break
    t.deinit()
    lst = None
    print("hard" if hard else "soft", what, period, "swaps", swaps, "corrupted", int(bad))


for p in (153, 241, 307, 353):
    run(False, "references", p)
    run(True, "index", p)
    run(True, "references", p)
