# Starts the timer, lets main look at the pair again and again, and compares the two slowly.
from lab import beat, counter, running, timer, value
from time import ticks_diff, ticks_us

torn = counter("torn")
checks = counter("checks")
seen = 0


def inspect(pair):
    nonlocal seen
    equal = False
    if type(pair) is list or type(pair) is tuple:
        first = pair[0]
        start = ticks_us()
        while ticks_diff(ticks_us(), start) < 100:
            pass
        second = pair[1]
        equal = type(first) is int and type(second) is int and first == second
        seen = first
    if not equal:
        torn.add(1)
    checks.add(1)


space["inspect"] = inspect
program = load("tick", "look")
look = program["look"]
alarm = timer(program["tick"])
while running():
    for i in range(10):
        look()
        for j in range(40 + chance(20)):
            pass
    beat(10)
    value("total", seen)
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
look()
look()                      # what the last look took over is seen now
value("total", seen)
