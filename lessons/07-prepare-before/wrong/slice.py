import gc
import lab
import micropython
from array import array

micropython.alloc_emergency_exception_buf(256)
log = array("i", [0] * 64)
seen = wrong = checks = lost = mem = at = 0


def tick(t):
    global seen
    seen += 1
    log[1:] = log[:-1]
    log[0] = seen * 3 & 1023


def reading(i):                 # number i, counted from the newest
    return log[i]


def check():
    global checks, wrong
    state = lab.lock()
    if seen >= 32:
        checks += 1
        good = True
        for i in range(32):
            if reading(i) != (seen - i) * 3 & 1023:
                good = False
        if not good:
            wrong += 1
    lab.unlock(state)


def weigh():
    global lost, mem, at
    free = gc.mem_free()
    if free < mem and seen > at:
        each = (mem - free) // (seen - at)
        if each > lost:
            lost = each
    mem = free
    at = seen


def publish():
    lab.value("seen", seen)
    lab.value("checks", checks)
    lab.value("wrong", wrong)
    lab.value("bytes", lost)
    lab.value("mem_free", mem)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(20):
        for j in range(50):
            pass
        lab.beat()
    check()
    weigh()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
