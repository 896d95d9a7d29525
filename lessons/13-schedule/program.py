import lab
import micropython
from micropython import schedule
from time import ticks_diff, ticks_us

# Main keeps a clock. A scheduled function looks at it: in hard mode the handler schedules it, in
# soft mode the timer does. It creates a list and a float, and schedules another function.
micropython.alloc_emergency_exception_buf(256)
lab.choice("clock", ("in_steps", "at_once"), "in_steps")
lab.choice("heap", ("open", "locked"), "open")
length = lab.number("length", 0, 0, 2000)
clock = heap = hard = None
h = m = s = now = 0
looks = impossible = nested = after = overflow = depth = suspended = 0


def advance():                  # hours, minutes and seconds, one after the other
    global h, m, s
    s += 1
    if s == 60:
        s = 0
        m += 1
        if m == 60:
            m = 0
            h = h + 1 if h < 23 else 0


def advance_at_once():          # one number, one store
    global now
    next = now + 1
    if next == 86400:
        next = 0
    now = next


def handler(t):
    global overflow, suspended
    if depth:                   # while a scheduled function is at work
        suspended += 1
    try:
        schedule(look, t)
    except RuntimeError:
        overflow += 1


def look(t):
    global looks, impossible, nested, depth
    [s, s * 0.5]                # objects and floats are allowed here
    depth += 1
    if depth > 1:
        nested += 1
    looks += 1
    seconds = s if clock == "in_steps" else now % 60
    minutes = m if clock == "in_steps" else now // 60 % 60
    if seconds == 60 or minutes == 60:
        impossible += 1
        if impossible == 1:
            print("it is %d:%d" % (minutes, seconds))
            lab.trigger("impossible")
    try:
        schedule(follow, 0)
    except RuntimeError:
        pass
    start = ticks_us()
    for i in range(5):          # five jumps
        pass
    while ticks_diff(ticks_us(), start) < length:
        pass
    depth -= 1


def follow(_):
    global after, nested
    after += 1
    if depth:
        nested += 1


def publish():
    state = lab.lock()
    lab.value("looks", looks)
    lab.value("impossible", impossible)
    lab.value("nested", nested)
    lab.value("after", after)
    lab.value("overflow", overflow)
    lab.value("suspended", suspended)
    lab.unlock(state)


def run(step):
    for i in range(200):
        step()


step = i = None    # no new name later: it could move the table of names
while lab.running():
    if (lab.get("clock"), lab.get("heap"), lab.hard()) != (clock, heap, hard):
        clock = lab.get("clock")
        heap = lab.get("heap")
        hard = lab.hard()
        h = m = s = now = 0
        looks = impossible = nested = after = overflow = depth = suspended = 0
        timer = lab.timer(handler if hard else look)
    length = lab.get("length")
    step = advance if clock == "in_steps" else advance_at_once
    if heap == "locked":
        micropython.heap_lock()
        run(step)
        micropython.heap_unlock()
    else:
        run(step)
    lab.beat()
    publish()

timer.deinit()
for i in range(40):
    pass
publish()
lab.done()
