# Starts the timer, gives the readings, and compares the average with its own at random moments.
from array import array
from lab import beat, counter, lock, running, timer, unlock, value

wrong = counter("wrong")
latest = array("i", [0] * 64)
taken = 0


def reading():
    nonlocal taken
    new = chance(256)
    latest[taken & 63] = new
    taken += 1
    return new


space["reading"] = reading
program = load("tick", "average")
alarm = timer(program["tick"])
while running():
    for i in range(15 + chance(10)):
        for j in range(50):
            pass
        beat()
    state = lock()
    right = sum(latest) // 64
    said = program["average"]
    unlock(state)
    if said is not right:
        wrong.add(1)
    value("seen", taken)
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
if program["average"] is not sum(latest) // 64:
    wrong.add(1)
value("seen", taken)
