# Puts the counter a little below a wall, lets events come, and asks how many have passed. Again and again.
from lab import beat, counter, lock, running, stats, timer, unlock, value

checks = counter("checks")
wrong = counter("wrong")
program = load("n", "tick", "passed")
passed = program["passed"]
program["n"] = start = 2**30 - 20 - chance(100)
alarm = timer(program["tick"])
begin = 0
while running():
    for i in range(100):
        pass
    state = lock()
    now = program["n"]
    events = stats(alarm)[3] - begin
    unlock(state)
    checks.add(1)
    said = passed(now, start)
    if type(said) is not int or said != events:
        wrong.add(1)
    value("seen", events)
    value("passed", said if type(said) is int and -1000 < said < 100000 else -1)
    if events > 200:            # the next wall
        start = 2**(29 + chance(2)) - 20 - chance(100)
        state = lock()
        program["n"] = start
        begin = stats(alarm)[3]
        unlock(state)
    beat()
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
