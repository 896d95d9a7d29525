# Gives each callback the signal, asks there where the filter is, and compares with the exact filter.
from lab import beat, counter, lock, running, timer, unlock, value

checks = counter("checks")
off = counter("off")
signals = bytearray(1024)       # the last ones, 1 for 1000
x = 1000
left = 64
seen = through = at = 0
exact = 0.0


def signal():
    nonlocal x, left, seen
    left -= 1
    if left is 0:               # the signal jumps
        x = 1000 - x
        left = 40 + chance(100)
    seen += 1
    signals[seen & 1023] = x is 1000
    return x


space["signal"] = signal
program = load("tick", "position")
tick = program["tick"]
position = program["position"]


def event(t):
    nonlocal at
    tick(t)
    at = position()


alarm = timer(event)
while running():
    for i in range(50):
        pass
    state = lock()
    here = at
    events = seen
    unlock(state)
    if events > 0:
        while through < events:
            through += 1
            exact = 0.9 * exact + 0.1 * (1000 if signals[through & 1023] else 0)
        checks.add(1)
        if type(here) is not int or not -8 <= here - exact <= 8:
            off.add(1)
    beat()
    value("seen", seen)
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
value("seen", seen)
