# Starts the timer, lets main look again and again, and compares the words slowly.
from array import array
from lab import beat, counter, running, timer, value
from time import ticks_diff, ticks_us

looks = counter("looks")
torn = counter("torn")
base = chance(1 << 20)
issued = earlier = 0


def fresh():
    nonlocal issued
    issued += 1
    return base + issued


def inspect(words):
    nonlocal earlier
    equal = type(words) is array and len(words) == 16
    if equal:
        first = words[0]
        for i in range(16):
            start = ticks_us()
            while ticks_diff(ticks_us(), start) < 100:
                pass
            if words[i] != first:
                equal = False
        if first:
            if not base + earlier <= first <= base + issued:
                equal = False
            earlier = first - base
    looks.add(1)
    if not equal:
        torn.add(1)


space["fresh"] = fresh
space["inspect"] = inspect
program = load("tick", "look")
look = program["look"]
alarm = timer(program["tick"])
while running():
    for i in range(10):
        look()
        for j in range(20 + chance(20)):
            pass
        beat()
    value("seen", issued)
alarm.deinit()
for i in range(20):
    pass
look()
if earlier != issued:       # the last look shows the last number
    torn.add(1)
value("seen", issued)
