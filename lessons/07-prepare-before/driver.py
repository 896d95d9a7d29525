# Gives each callback a reading, asks for the last 32 of them, and weighs the heap.
import gc
from array import array
from lab import beat, counter, lock, running, timer, unlock, value

checks = counter("checks")
wrong = counter("wrong")
given = array("h", [0] * 64)
seen = lost = at = 0


def measure():
    nonlocal seen
    seen += 1
    given[seen & 63] = chance(1024)
    return given[seen & 63]


space["measure"] = measure
program = load("tick", "reading")
reading = program["reading"]
alarm = timer(program["tick"])
mem = gc.mem_free()
while running():
    for i in range(20):
        for j in range(50):
            pass
        beat()
    state = lock()
    for i in range(9):      # what was queued runs before
        pass
    good = True
    if seen >= 32:
        checks.add(1)
        for i in range(32):
            if reading(i) is not given[(seen - i) & 63]:
                good = False
    unlock(state)
    if not good:
        wrong.add(1)
    free = gc.mem_free()
    if free < mem and seen > at:
        each = (mem - free) // (seen - at)
        if each > lost:
            lost = each
    mem = free
    at = seen
    value("seen", seen)
    value("bytes", lost)
    value("mem_free", mem)
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
value("seen", seen)
