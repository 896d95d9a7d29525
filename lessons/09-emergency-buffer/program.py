import lab
import micropython

# Part one: the callback raises, and nobody catches it. What the console shows depends on the
# buffer. Part two: it saves an exception, and later handles another one; main looks at the first.
lab.number("size", 100, 0, 256)
lab.choice("part", ("report", "save"), "report")
lab.choice("error", ("allocate", "divide"), "allocate")
size = part = error = hard = None
saved = None
calls = looks = changed = zero = 0


def allocate(t):
    global calls
    calls += 1
    [calls]                     # a list has to be created


def divide(t):
    global calls
    calls += 1
    1 // zero


def save(t):
    global calls, saved
    calls += 1
    try:
        if calls & 1:
            1 // zero
        else:
            b""[1]
    except ZeroDivisionError as e:
        saved = e
    except IndexError:          # handled, done with, forgotten
        pass


def publish():
    state = lab.lock()
    lab.value("calls", calls)
    lab.value("looks", looks)
    lab.value("changed", changed)
    lab.unlock(state)


state = look = other = i = None    # no new name later: it could move the table of names
while lab.running():
    if (lab.get("size"), lab.get("part"), lab.get("error"), lab.hard()) != (size, part, error, hard):
        size = lab.get("size")
        part = lab.get("part")
        error = lab.get("error")
        hard = lab.hard()
        micropython.alloc_emergency_exception_buf(size)
        saved = None
        calls = looks = changed = 0
        timer = lab.timer(save if part == "save" else divide if error == "divide" else allocate)
    state = lab.lock()          # no call between these lines
    look = calls & 1 == 0 and saved is not None
    other = look and type(saved) is not ZeroDivisionError
    lab.unlock(state)
    looks += look
    changed += other
    if other and changed == 1:
        print("saved: ZeroDivisionError; read later:", repr(saved))
    for i in range(100):
        pass
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
