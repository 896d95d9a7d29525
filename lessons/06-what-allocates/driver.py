# Gives each callback a reading, and looks whether what is said of the last eight is right.
from lab import beat, counter, lock, running, timer, unlock, value

checks = counter("checks")
wrong = counter("wrong")
last = bytearray(8)
given = 0


def reading():
    nonlocal given
    given += 1
    last[given & 7] = chance(256)
    return last[given & 7]


space["reading"] = reading
program = load("tick", "mean", "top", "above")
alarm = timer(program["tick"])
while running():
    for i in range(100):
        pass
    state = lock()
    at = given
    right = list(last)
    mean = program["mean"]
    top = program["top"]
    above = program["above"]
    unlock(state)
    if at >= 8:
        average = sum(right) / 8
        checks.add(1)
        if (type(mean) is not int or abs(mean - average) >= 1 or top is not max(right)
                or above is not len([r for r in right if r > average])):
            wrong.add(1)
    beat()
    value("seen", given)
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
value("seen", given)
