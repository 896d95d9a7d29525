# What the race explorer runs around an exercise program: main consumes one byte between two marks.
# The byte has arrived before.
from lab import mark, stats, timer

arrived = bytearray(64)
produced = taken = gaps = 0


def arrive():
    nonlocal produced
    byte = chance(256)
    arrived[produced & 63] = byte
    produced += 1
    return byte


def take(byte):
    nonlocal taken, gaps
    if byte != arrived[taken & 63]:
        gaps += 1
    taken += 1


space["arrive"] = arrive
space["take"] = take
program = load("tick", "consume", "waiting")
tick = program["tick"]
consume = program["consume"]
alarm = timer(tick)
for begin, end in ((0, 0), (0, 0), (0, 0), (0, 0), (1, 2)):     # caches are warm at the last one
    tick(None)
    mark(begin)
    consume()
    mark(end)
for i in range(4):          # what waits in the queue runs here
    pass
consume()                   # a byte that came meanwhile must be found now
mark(16, 5 + stats(alarm)[3])
mark(17, taken)
mark(18, 0)
mark(19, gaps)
mark(3)
alarm.deinit()
