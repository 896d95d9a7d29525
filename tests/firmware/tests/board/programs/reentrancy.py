# Shared buffers, a shared generator, two priorities, bound methods.
import lab, time, micropython
from machine import Timer

micropython.alloc_emergency_exception_buf(256)


def straight(t, buf=bytearray(3)):
    buf[0] = 0xA5
    buf[1] = t >> 4
    buf[2] = 0x5A
    return buf


def branch(t, buf=bytearray(3)):
    buf[0] = 0xA5
    buf[1] = (t >> 4) if t else 0
    buf[2] = 0x5A if t else 1
    return buf


def run(hard, fn):
    bad = 0

    def cb(t):
        fn(0xFF0)

    # Several periods, since one may keep step with the loop.
    for period in (97, 89, 83):
        t = Timer(0, callback=cb, period=period, tick_hz=1000000, hard=hard)
        for i in range(2000):
            r = fn(0x120)
            if r[1] != 0x12:
                bad += 1
        t.deinit()
    print("volume", "hard" if hard else "soft", fn.__name__, "wrong", bad)


for h in (True, False):
    for f in (straight, branch):
        run(h, f)


def gen():
    n = 0
    while True:
        n += 1
        if n > 100:
            n = 0
        yield n


def run2(hard):
    global errs, first, ok
    errs = ok = 0
    first = None
    G = gen()

    def cb(t):
        global errs, first, ok
        try:
            next(G)
            ok += 1
        except Exception as e:
            errs += 1
            first = type(e)

    t = Timer(0, callback=cb, period=97, tick_hz=1000000, hard=hard)
    for i in range(6000):
        next(G)
    t.deinit()
    print("generator", "hard" if hard else "soft", "ok", ok, "errors", errs, first.__name__ if first else "none")


run2(True)
run2(False)


def run3(hard, low_priority, high_priority):
    global a, b, torn, hi, lo
    a = b = torn = hi = lo = 0

    def low(t):
        global a, b, lo
        lo += 1
        a += 1
        for i in range(20):
            pass
        b += 1

    def high(t):
        global torn, hi
        hi += 1
        if a != b:
            torn += 1

    t0 = Timer(0, callback=low, period=401, tick_hz=1000000, hard=hard, priority=low_priority)
    t1 = Timer(1, callback=high, period=293, tick_hz=1000000, hard=hard, priority=high_priority)
    for i in range(40000):
        pass
    t0.deinit()
    t1.deinit()
    print("priorities", "hard" if hard else "soft", low_priority, high_priority,
          "low", lo, "high", hi, "torn", torn)


run3(True, 1, 2)
run3(True, 1, 1)
run3(True, 2, 1)
run3(False, 1, 2)


class Foo:
    def __init__(self):
        self.n = 0
        self.x = 0.1
        self.bar_ref = self.bar

    def bar(self, _):
        self.x *= 1.2
        self.n += 1

    def bar1(self):
        self.x *= 1.2
        self.n += 1

    def isr_bad(self, t):
        micropython.schedule(self.bar, 0)

    def isr_ref(self, t):
        micropython.schedule(self.bar_ref, 0)

    def isr_cls(self, t):
        micropython.schedule(Foo.bar, self)

    def isr_cls1(self, t):
        micropython.schedule(Foo.bar1, self)

    def isr_call(self, t):
        self.n += 1


foo = Foo()
for name in ("isr_bad", "isr_ref", "isr_cls", "isr_cls1", "isr_call"):
    f = getattr(foo, name)
    n = foo.n
    print("==", name)
    r = lab.fire(f, None)
    for i in range(4):
        pass
    print("   returned", r, "ran", foo.n - n)


class Led:
    def __init__(self, id, us):
        self.count = 0
        self.t = Timer(id, callback=self.cb, period=us, tick_hz=1000000, hard=True)

    def cb(self, t):
        self.count += 1


a = Led(0, 1000)
b = Led(1, 2500)
time.sleep_ms(100)
a.t.deinit()
b.t.deinit()
print("instances a", a.count, "fired", lab.stats(a.t)[1], "b", b.count, "fired", lab.stats(b.t)[1])
