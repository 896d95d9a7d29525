# Three designs of a byte buffer, and a dictionary that grows while a callback reads it.
import micropython
from machine import Timer, disable_irq, enable_irq

micropython.alloc_emergency_exception_buf(256)


def run(hard, design, n=4000):
    global navail, produced, consumed, wr, rd, over
    navail = produced = consumed = wr = rd = over = 0
    buf = bytearray(256)

    def cb(t):
        global navail, produced, over
        if navail < 256:
            buf[navail] = produced & 255
            navail += 1
        else:
            over += 1
        produced += 1

    def cb_many(t):
        global navail, produced, over
        if navail <= 240:
            navail += 16
        else:
            over += 16
        produced += 16

    def cb_ring(t):
        global wr, produced, over
        n = (wr + 1) & 255
        if n == rd:
            over += 1
        else:
            buf[wr] = produced & 255
            wr = n
        produced += 1

    f = {"ring": cb_ring, "decrement": cb_many}.get(design, cb)
    t = Timer(0, callback=f, period=97, tick_hz=1000000, hard=hard)
    d = disable_irq
    e = enable_irq
    for i in range(n):
        if design == "document":
            n = navail
            for j in range(n):
                consumed += 1
            navail = 0
        elif design == "disable":
            s = d()
            n = navail
            for j in range(n):
                consumed += 1
            navail = 0
            e(s)
        elif design == "decrement":
            if navail:
                consumed += 1
                navail -= 1
        else:
            while rd != wr:
                rd = (rd + 1) & 255
                consumed += 1
    t.deinit()
    for i in range(20):
        pass
    left = (wr - rd) & 255 if design == "ring" else navail
    print("hard" if hard else "soft", design, "produced", produced, "overflow", over,
          "lost", produced - consumed - left - over)


for h in (True, False):
    for k in ("document", "disable", "decrement", "ring"):
        run(h, k)


def rehash(hard):
    global ok, errs, kind
    ok = errs = 0
    kind = None
    box = [{"k": 1}]

    def cb(t):
        global ok, errs, kind
        try:
            box[0]["k"]
            ok += 1
        except Exception as e:
            errs += 1
            kind = type(e)

    t = Timer(0, callback=cb, period=61, tick_hz=1000000, hard=hard)
    for i in range(120):
        D = {"k": 1}
        box[0] = D
        for j in range(60):
            D[j] = j
    t.deinit()
    print("rehash", "hard" if hard else "soft", "ok", ok, "errors", errs, kind.__name__ if kind else "none")


rehash(True)
rehash(False)


def values(hard):
    global ok, bad
    ok = bad = 0
    D = {"k": 1, "j": 2}

    def cb(t):
        global ok, bad
        try:
            D["k"]
            D["j"]
            ok += 1
        except KeyError:
            bad += 1

    t = Timer(0, callback=cb, period=61, tick_hz=1000000, hard=hard)
    for i in range(4000):
        D["k"] = i
        D["j"] = i
    t.deinit()
    print("values", "hard" if hard else "soft", "ok", ok, "errors", bad)


values(True)
