# Has readings that fail in one of two ways, and asks which it was. Call 200 fails in a third way.
from lab import beat, counter, lock, running, timer, unlock, value

reads = counter("reads")
wrong = counter("wrong")
calls = failed = zero = 0


def read():
    nonlocal calls, failed
    calls += 1
    if calls is 200:
        [calls]                 # the one that nobody catches
    failed = failed << 1 & 2 | chance(2)
    if failed & 1:
        1 // zero
    b""[1]


space["read"] = read
program = load("tick", "is_division", "last", "before")
is_division = program["is_division"]
alarm = timer(program["tick"])
while running():
    for i in range(100):
        pass
    state = lock()
    failures = failed
    newest = is_division(program["last"])
    older = is_division(program["before"])
    seen = calls
    unlock(state)
    if seen >= 2:
        reads.add(1)
        if newest is not (failures & 1 is 1) or older is not (failures & 2 is 2):
            wrong.add(1)
    beat()
    value("calls", calls)
alarm.deinit()
for i in range(20):
    pass
value("calls", calls)
