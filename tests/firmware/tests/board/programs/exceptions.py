# An exception in a callback: hard ends it, soft does not; and the queue that overflows.
import lab, micropython, time
from machine import Timer

micropython.alloc_emergency_exception_buf(256)


def spin(ms):
    t0 = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), t0) < ms:
        pass


def cb(t):
    global n
    n += 1
    if n == 3:
        1 // 0


for h in (True, False):
    n = 0
    t = Timer(0, callback=cb, period=10, hard=h)
    spin(200)
    t.deinit()
    print("hard" if h else "soft", "ran", n, "disabled", lab.stats(t)[6])


def slow(_):
    global q
    q += 1
    spin(30)


def h1(t):
    global isr
    isr += 1
    micropython.schedule(slow, 0)


isr = q = 0
t = Timer(0, callback=h1, period=10, hard=True)
spin(600)
t.deinit()
print("unguarded isr", isr, "disabled", lab.stats(t)[6])
while lab.queue():
    pass


def h2(t):
    global isr, ov
    isr += 1
    try:
        micropython.schedule(slow, 0)
    except RuntimeError:
        ov += 1


isr = ov = q = 0
t = Timer(0, callback=h2, period=10, hard=True)
spin(600)
t.deinit()
while lab.queue():
    pass
print("guarded isr", isr, "overflow", ov, "handled", q)


def slow3(_):
    global pend, q, got
    pend = 0
    q += 1
    got = isr
    spin(30)


def h3(t):
    global isr, pend
    isr += 1
    if not pend:
        pend = 1
        micropython.schedule(slow3, 0)


isr = pend = q = got = 0
t = Timer(0, callback=h3, period=10, hard=True)
spin(600)
t.deinit()
while lab.queue():
    pass
print("pending isr", isr, "calls", q, "got", got, "disabled", lab.stats(t)[6])
t = Timer(0, period=5)
spin(17)
t.deinit()
