# Starts the timer, reads sixteen words again and again, and looks whether they are of one update,
# and of a late one.
from lab import beat, counter, running, timer, value

torn = counter("torn")
reads = counter("reads")
base = chance(1 << 20)
issued = 0


def fresh():
    nonlocal issued
    issued += 1
    return base + issued


space["fresh"] = fresh
program = load("tick", "read", "deferred")
read = program["read"]
alarm = timer(program["tick"])
while running():
    for i in range(20):
        before = issued
        words = read()
        first = words[0]
        good = type(first) is int and (before < 2 or base + before - 1 <= first <= base + issued)
        count = 0
        for word in words:
            count += 1
            if word is not first and word != first:
                good = False
                break
        reads.add(1)
        if not good or count != 16:
            torn.add(1)
    beat(20)
    value("updates", issued)
    value("deferred", program["deferred"])
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
value("updates", issued)
value("deferred", program["deferred"])
