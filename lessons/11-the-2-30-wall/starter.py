import lab
import micropython

# Repair the program: the counter must go past 2**30 in a hard callback, and `passed` must still
# tell how many events lie between two readings. It will never be asked about more than 2**28.
micropython.alloc_emergency_exception_buf(256)
START = 2**30 - 200
n = START
seen = 0


def tick(t):
    global n, seen
    n += 1
    seen += 1


def passed(now, before):
    return now - before


def publish():
    state = lab.lock()
    now = n
    lab.value("seen", seen)
    lab.value("passed", passed(now, START))
    lab.unlock(state)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(100):
        pass
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
