# The grid of lesson L17: a callback writes one number into 16 words, main looks for two different ones.
import array
from machine import Timer, disable_irq, enable_irq


def run(hard, cure, n=1200):
    global a, front, reading, deferred, torn
    a = front = deferred = torn = 0
    reading = False
    buf = array.array("i", [0] * 16)
    two = (array.array("i", [0] * 16), array.array("i", [0] * 16))
    double = cure in ("double", "flag")

    def cb(t):
        global a, front, deferred
        a += 1
        if cure == "flag" and reading:
            deferred += 1
            return
        w = two[1 - front] if double else buf
        for i in range(16):
            w[i] = a
        if double:
            front = 1 - front

    def check(words, first):
        global torn
        for j in range(16):
            if words[j] != first:
                torn += 1
                return

    snap = array.array("i", [0] * 16)
    to, source = memoryview(snap), memoryview(buf)
    dis, en = disable_irq, enable_irq
    t = Timer(0, callback=cb, period=PERIOD_US[cure], tick_hz=1000000, hard=hard)
    if cure == "none":
        for i in range(n):
            check(buf, buf[0])
    elif cure == "disable":
        for i in range(n):
            s = dis(); check(buf, buf[0]); en(s)
    elif cure == "snapshot":
        for i in range(n * 12):
            to[:] = source
            if snap[0] != snap[15]:
                torn += 1
    else:
        for i in range(n):
            reading = True; r = two[front]; check(r, r[0]); reading = False
    t.deinit()
    print("hard" if hard else "soft", cure, "isr", a, "deferred", deferred, "torn", torn)


# A read takes about 100 us: a double buffer is overtaken only where two alarms fall into one read.
PERIOD_US = {"none": 211, "disable": 211, "snapshot": 113, "double": 131, "flag": 211}
for hard in (True, False):
    for cure in ("none", "disable", "snapshot", "double", "flag"):
        run(hard, cure)


def pair(hard):
    global x, y, torn
    x = y = torn = 0
    a = array.array("i", [0, 0])

    def cb(t):
        a[0] += 1
        a[1] = a[0]

    t = Timer(0, callback=cb, period=97, tick_hz=1000000, hard=hard)
    for i in range(8000):
        x = a[0]; y = a[1]
        if x != y:
            torn += 1
    t.deinit()
    print("pair", "hard" if hard else "soft", "torn", torn)


pair(True)
pair(False)
