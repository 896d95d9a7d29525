import lab
import micropython

micropython.alloc_emergency_exception_buf(256)
calls = good = errors = 0


def read():
    if calls % 7 == 0:
        raise OSError(5)
    return calls


def tick(t):
    global calls, good
    calls += 1
    read()
    good += 1


def publish():
    state = lab.lock()
    lab.value("calls", calls)
    lab.value("good", good)
    lab.value("errors", errors)
    lab.unlock(state)


publish()
timer = lab.timer(tick)
while lab.running():
    try:
        for i in range(100):
            pass
    except OSError:
        errors += 1
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
