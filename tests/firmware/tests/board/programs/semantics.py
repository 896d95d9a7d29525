# Half-done state, the documents' fragments, the wall at 2**30, sections with interrupts off, deinit.
import array, lab, time, micropython
from machine import Timer, disable_irq, enable_irq

micropython.alloc_emergency_exception_buf(256)


def drain():
    for i in range(40):
        pass


def spin(ms):
    t0 = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), t0) < ms:
        pass


class Clock:
    def __init__(s):
        s.h = 0
        s.m = 0
        s.s = 0

    def tick(s):
        s.s += 1
        if s.s == 60:
            s.s = 0
            s.m += 1
            if s.m == 60:
                s.m = 0
                s.h += 1


c = Clock()
bad = n = 0


def look(t):
    global bad, n
    n += 1
    if c.s == 60 or c.m == 60:
        bad += 1


t = Timer(0, callback=look, period=61, tick_hz=1000000, hard=False)
for i in range(20000):
    c.tick()
t.deinit()
print("clock callbacks", n, "impossible", bad)

# What a name refers to after exec is what the documents' readers get.
exec("""
import lab
count = 0
def cb():
    count += 1
print('first', lab.fire(cb, 0))
def cb(t):
    count += 1
print('second', lab.fire(cb, 0))
""")


class BoundsException(Exception):
    pass


index = 0
ran = 0
data = array.array("i", [0] * 20)


def callback1(t):
    global index, ran
    ran += 1
    for x in range(5):
        data[index] = 7
        index += 1
        if index >= 20:
            raise BoundsException("Array bounds exceeded")


for i in range(4):
    print("alarm", i, lab.fire(callback1, 0))
index = ran = 0
t = Timer(0, callback=callback1, period=20, hard=False)
spin(130)
t.deinit()
drain()
print("document soft ran", ran, "disabled", lab.stats(t)[6])

n = 2**30 - 3


def inc(t):
    global n
    n += 1


t = Timer(0, callback=inc, period=2, hard=True)
spin(20)
t.deinit()
print("wall hard below", 2**30 - n, "disabled", lab.stats(t)[6])
n = -(2**30) + 2


def dec(t):
    global n
    n -= 1


t = Timer(0, callback=dec, period=2, hard=True)
spin(20)
t.deinit()
print("wall down above", n + 2**30, "disabled", lab.stats(t)[6])
n = 2**30 - 2
t = Timer(0, callback=inc, period=2, hard=False)
spin(40)
t.deinit()
drain()
print("wall soft beyond", n - 2**30, "ran", lab.stats(t)[3], "disabled", lab.stats(t)[6])
y = 0
x = 1000


def fix(t):
    global y
    y += (x - y) * 26 >> 8


t = Timer(0, callback=fix, period=1, hard=True)
spin(100)
t.deinit()
print("filter y", y, "disabled", lab.stats(t)[6])

for w in (0, 500, 3500):
    f = 0

    def tick(t):
        global f
        f += 1

    t = Timer(0, callback=tick, period=1, hard=True)
    t0 = time.ticks_us()
    sections = 0
    while time.ticks_diff(time.ticks_us(), t0) < 100000:
        s = disable_irq()
        u = time.ticks_us()
        while time.ticks_diff(time.ticks_us(), u) < w:
            pass
        enable_irq(s)
        sections += 1
    t.deinit()
    s = lab.stats(t)
    print("section", w, "sections", sections, "expected", s[0], "fired", f, "missed", s[2])

late = 0


def lcb(t):
    global late
    late += 1


def straight():
    t = Timer(0, callback=lcb, period=1, hard=False)
    sum(range(60000))
    t.deinit()
    return lab.queue(), late


print("deinit queued_ran", straight())
drain()
print("after ran", late)


def count_alarms(k):
    global late
    late = 0
    lab.burst(k)
    return lab.queue()


t = Timer(0, callback=lcb, period=1000000, hard=False)
for k in (3, 8, 12):
    t.init(callback=lcb, period=1000000, hard=False)
    q = count_alarms(k)
    drain()
    s = lab.stats(t)
    print("burst", k, "queued", q, "ran", s[3], "dropped", s[4])
t.deinit()
