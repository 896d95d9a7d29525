# Has a sensor that fails now and then, and compares its failures with those that are counted.
from lab import beat, counter, lock, running, timer, unlock, value

calls = failures = 0


def read():
    nonlocal calls, failures
    calls += 1
    if chance(7) is 0:
        failures += 1
        raise OSError(5)
    return calls


space["read"] = read
program = load("tick", "good", "errors")
alarm = timer(program["tick"])
while running():
    for i in range(100):
        pass
    beat()
    state = lock()
    value("calls", calls)
    value("failures", failures)
    value("good", program["good"])
    value("errors", program["errors"])
    unlock(state)
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
value("calls", calls)
value("failures", failures)
value("good", program["good"])
value("errors", program["errors"])
