# The scheduler's queue: depth, one callback per safe point, no nesting, sys.exit.
import lab, micropython, sys

micropython.alloc_emergency_exception_buf(256)
log = []


def cb(x):
    log.append(x)


def drain():
    for i in range(20):
        pass


def fill_port():
    p = lab.queue
    return (p(cb, 0), p(cb, 1), p(cb, 2), p(cb, 3), p(cb, 4), p(cb, 5), p(cb, 6), p(cb, 7), p(cb, 8), p(cb, 9)), p()


print(fill_port())
drain()


def fill_user():
    s = micropython.schedule
    s(cb, 0); s(cb, 1); s(cb, 2); s(cb, 3); s(cb, 4); s(cb, 5); s(cb, 6); s(cb, 7); s(cb, 8)


try:
    fill_user()
except Exception as e:
    print(repr(e))
drain()
log.clear()


def three():
    s = micropython.schedule
    s(cb, "a"); s(cb, "b"); s(cb, "c")


three()
for i in range(4):
    log.append(i)
print("one callback per safe point:", log)
log.clear()


def inner(_):
    log.append("inner")


def outer(_):
    log.append("outer-start")
    micropython.schedule(inner, 0)
    for i in range(5):
        pass
    log.append("outer-end")


micropython.schedule(outer, 0)
for i in range(5):
    pass
print(log)


def leave(_):
    sys.exit(3)


micropython.schedule(leave, 0)
for i in range(3):
    pass
print("main goes on after sys.exit() in a scheduled function")


def build(_):
    [1, 2, 3]


micropython.heap_lock()
micropython.schedule(build, 0)
for i in range(3):
    pass
micropython.heap_unlock()
