# What the race explorer runs around an exercise program: main writes one round between two marks, and
# the callback looks the key up.
from array import array
from lab import mark, timer

looked = array("i", [0, 0])
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
write_round(1000)
write_round(2000)           # caches are warm afterwards
mark(1)
write_round(3000)
mark(2)
for i in range(4):          # what waits in the queue runs here
    pass
mark(16, looked[0])
mark(17, looked[1])
mark(18, 0)
mark(3)
alarm.deinit()
