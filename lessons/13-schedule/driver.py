# Lets the watch run, and asks it from a soft callback and from main.
from array import array
from lab import beat, counter, lock, running, timer, unlock, value

wrong = counter("wrong")
looks = array("i", [0, 0])
ticks = 0
program = load("advance", "read")
advance = program["advance"]
read = program["read"]


def event(t):
    looks[0] += 1
    try:
        s, z = read()
        # Main may be one tick ahead of its count.
        possible = 0 <= s <= 9 and 0 <= z <= 9 and (s * 10 + z - ticks) % 100 <= 1
    except TypeError:           # no time at all
        possible = False
    if not possible:
        looks[1] += 1


alarm = timer(event)
while running():
    for i in range(150 + chance(100)):
        advance()
        ticks += 1
    s, z = read()
    if s * 10 + z != ticks % 100:
        wrong.add(1)
    beat()
    state = lock()
    value("looks", looks[0])
    value("impossible", looks[1])
    value("ticks", ticks)
    unlock(state)
alarm.deinit()
for i in range(20):
    pass
value("looks", looks[0])
value("impossible", looks[1])
value("ticks", ticks)
