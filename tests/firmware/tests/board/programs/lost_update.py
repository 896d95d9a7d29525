# The grid of lesson L15: count += 1 by main and by a callback, and what helps.
import micropython, lab
from machine import Timer, disable_irq, enable_irq

N = 8000
PERIOD_US = 83


def drain():
    for i in range(40):
        pass


def run(hard, expr, cure):
    global count, isr, skipped, own, locked, flag, done
    count = isr = skipped = own = done = 0
    locked = False
    flag = True

    def cb(t):
        global count, isr, skipped, own
        if locked:
            skipped += 1
            return
        isr += 1
        if cure == "own":
            own += 1
        else:
            count += 1

    if expr == "plain":
        def bump():
            global count
            count += 1

        @micropython.native
        def native():
            global count
            count += 1

        def section(_):
            global count, done
            count += 1
            done += 1
    else:
        def bump():
            global count
            count += 1 if flag else 2

        @micropython.native
        def native():
            global count
            count += 1 if flag else 2

        def section(_):
            global count, done
            count += 1 if flag else 2
            done += 1

    dis = disable_irq
    en = enable_irq
    t = Timer(0, callback=cb, period=PERIOD_US, tick_hz=1000000, hard=hard)
    if cure == "disable":
        if expr == "plain":
            for i in range(N):
                s = dis(); count += 1; en(s)
        else:
            for i in range(N):
                s = dis(); count += 1 if flag else 2; en(s)
    elif cure == "mutex":
        if expr == "plain":
            for i in range(N):
                locked = True; count += 1; locked = False
        else:
            for i in range(N):
                locked = True; count += 1 if flag else 2; locked = False
                # Loops of one length could stay in step with the timer.
                for j in range(i & 3):
                    pass
    elif cure == "native":
        for i in range(N):
            native()
    elif cure == "schedule":
        for i in range(N):
            while True:
                try:
                    micropython.schedule(section, 0)
                    break
                except RuntimeError:
                    pass
            # Loops of one length could stay in step with the timer.
            for j in range(i & 3):
                pass
        while done < N:
            pass
    elif expr == "plain":
        for i in range(N):
            count += 1
    else:
        for i in range(N):
            count += 1 if flag else 2
    t.deinit()
    drain()
    fired, dropped, q = (lab.stats(t)[i] for i in (1, 4, 5))
    ran = isr + skipped
    print("hard" if hard else "soft", expr, cure, "isr", isr, "skipped", skipped,
          "lost", N + isr - count - own, "unbalanced", fired - ran - dropped - q)


def handoff(expr):
    global count, over, isr, flag
    count = over = isr = 0
    flag = True

    def soft(_):
        global count
        count += 1

    def cb(t):
        global over, isr
        isr += 1
        try:
            micropython.schedule(soft, 0)
        except RuntimeError:
            over += 1

    t = Timer(0, callback=cb, period=PERIOD_US, tick_hz=1000000, hard=True)
    if expr == "plain":
        for i in range(N):
            count += 1
    else:
        for i in range(N):
            count += 1 if flag else 2
    t.deinit()
    drain()
    print("handoff", expr, "isr", isr, "overflow", over, "lost", N + isr - over - count)


for hard in (True, False):
    for expr in ("plain", "conditional"):
        for cure in ("none", "disable", "mutex", "own", "native", "schedule"):
            run(hard, expr, cure)
for expr in ("plain", "conditional"):
    handoff(expr)
