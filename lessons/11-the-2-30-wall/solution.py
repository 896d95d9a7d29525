import lab
import micropython

micropython.alloc_emergency_exception_buf(256)
MASK = 2**29 - 1                # one bit below the wall: the sum before the mask is still small
START = 2**30 - 200
n = START
seen = 0


def tick(t):
    global n, seen
    n = (n + 1) & MASK
    seen += 1


def passed(now, before):
    return (now - before) & MASK


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
