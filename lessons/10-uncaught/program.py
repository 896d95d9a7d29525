import lab
import micropython
import sys

# The callback reads a sensor that fails: at reading 50 only, or from reading 50 on. Nobody but
# the callback can catch what it raises.
micropython.alloc_emergency_exception_buf(256)
FIRST = 50
EXPECTED = (ValueError, SystemExit)     # made here: written after `except`, a hard callback would have to create it
CARE = ("none", "except")
care = lab.choice("care", CARE, "none")
when = lab.choice("when", ("once", "always"), "once")
error = lab.choice("error", ("ValueError", "SystemExit", "no_argument", "no_global"), "ValueError")
calls = good = errors = count = 0


def read():
    global good
    if calls == FIRST or (calls > FIRST and when == "always"):
        if error == "SystemExit":
            sys.exit(3)
        raise ValueError
    good += 1


def trusting(t):
    global calls
    calls += 1
    read()


def careful(t):
    global calls, errors
    calls += 1
    try:
        read()
    except EXPECTED:
        errors += 1


def no_argument():              # a callback as one is easily written: it gets an argument all the same
    global count
    count += 1


def no_global(t):               # and this one never says that `count` is the global
    count += 1


def chosen():
    if error == "no_argument":
        return no_argument
    if error == "no_global":
        return no_global
    return careful if care == "except" else trusting


def publish():
    state = lab.lock()
    lab.value("calls", calls)
    lab.value("good", good)
    lab.value("errors", errors)
    lab.unlock(state)


publish()
i = None    # no new name later: it could move the table of names
timer = lab.timer(chosen())
while lab.running():
    if lab.get("care") != care or lab.get("when") != when or lab.get("error") != error:
        care = lab.get("care")
        when = lab.get("when")
        error = lab.get("error")
        calls = good = errors = 0
        timer = lab.timer(chosen())     # one that was disabled starts again
    for i in range(100):
        pass
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
