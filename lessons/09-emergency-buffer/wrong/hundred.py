import lab
import micropython

micropython.alloc_emergency_exception_buf(100)
saved = None
calls = reads = wrong = zero = 0


def tick(t):
    global calls, saved
    calls += 1
    if calls == 200:
        [calls]                 # the one that nobody catches
    try:
        if calls & 1:
            1 // zero
        else:
            b""[1]
    except ZeroDivisionError:
        saved = ZeroDivisionError
    except IndexError:
        pass


def is_division(error):         # main asks this about what `tick` has saved
    return error is ZeroDivisionError


def publish():
    lab.value("calls", calls)
    lab.value("reads", reads)
    lab.value("wrong", wrong)


publish()
timer = lab.timer(tick)
while lab.running():
    if saved is not None:
        reads += 1
        if not is_division(saved):
            wrong += 1
    for i in range(100):
        pass
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
