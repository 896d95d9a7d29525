# Starts the timer, whose callback looks up the key, and lets main write one round after the other.
from array import array
from lab import beat, counter, running, timer, value

rounds = counter("rounds")
wrong = counter("wrong")
looked = array("i", [0, 0])
names = ["sensor%d" % i for i in range(12)]
program = load("look_up", "write_round", "table")
look_up = program["look_up"]
write_round = program["write_round"]


def event(t):
    try:
        if look_up() is 1:
            looked[0] += 1
        else:
            looked[1] += 1
    except Exception:
        looked[1] += 1


alarm = timer(event)
while running():
    first = chance(100000)
    write_round(first)
    table = program["table"]
    good = type(table) is dict
    if good:
        for i in range(12):
            if table.get(names[i]) != first + i:
                good = False
    if not good:
        wrong.add(1)
    rounds.add(1)
    beat()
    value("found", looked[0])
    value("errors", looked[1])
alarm.deinit()
for i in range(20):
    pass
value("found", looked[0])
value("errors", looked[1])
