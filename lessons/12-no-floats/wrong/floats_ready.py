import lab
import micropython

micropython.alloc_emergency_exception_buf(256)
x = 1000
A = 0.9
B = 0.1
y = 0.0
seen = filtered = checks = off = 0


def tick(t):
    global seen, x, y, filtered
    seen += 1
    if seen & 63 == 0:          # the signal jumps
        x = 1000 - x
    y = A * y + B * x
    filtered += 1


def position():                 # where the filter is, 0 to 1000
    return int(y)


def exact(events):              # main can use floats: the same filter, from the start
    s = 1000
    e = 0.0
    for i in range(1, events + 1):
        if i & 63 == 0:
            s = 1000 - s
        e = 0.9 * e + 0.1 * s
    return e


def check():
    global checks, off
    state = lab.lock()
    at = position()
    events = filtered
    lab.unlock(state)
    if 0 < events < 1500:
        checks += 1
        error = at - exact(events)
        if error < -8 or error > 8:
            off += 1


def publish():
    lab.value("seen", seen)
    lab.value("filtered", filtered)
    lab.value("checks", checks)
    lab.value("off", off)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(50):
        pass
    check()
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
