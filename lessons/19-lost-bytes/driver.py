# Starts the timer, lets bytes arrive, and looks whether they are taken in their order.
from lab import beat, counter, lock, running, timer, unlock, value

consumed = counter("consumed")
gaps = counter("gaps")
arrived = bytearray(1024)
produced = taken = 0


def arrive():
    nonlocal produced
    byte = chance(256)
    arrived[produced & 1023] = byte
    produced += 1
    return byte


def take(byte):
    nonlocal taken
    if type(byte) is not int or byte != arrived[taken & 1023]:
        gaps.add(1)
    taken += 1
    consumed.add(1)


space["arrive"] = arrive
space["take"] = take
program = load("tick", "consume", "waiting")
consume = program["consume"]
waiting = program["waiting"]
alarm = timer(program["tick"])
while running():
    for i in range(8):
        consume()
        for j in range(500):        # other work: meanwhile bytes arrive and wait
            pass
    beat(8)
    state = lock()
    value("produced", produced)
    value("waiting", waiting())
    value("lost", produced - taken - waiting())
    unlock(state)
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
consume()                   # whatever has arrived is found now
value("produced", produced)
value("waiting", 0)
value("lost", produced - taken)
