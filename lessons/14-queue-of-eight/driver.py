# Starts the timer, and holds main so long that a burst of events waits. Counts what is delivered.
import micropython
from lab import beat, counter, get, number, rate, running, timer
from time import ticks_diff, ticks_us

number("burst", 12, 1, 12)
handled = counter("handled")


def deliver(n):
    handled.add([n][0])


@micropython.native
def hold(us, ticks_us, ticks_diff):
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


space["deliver"] = deliver
program = load("tick")
alarm = timer(program["tick"])
while running():
    hold(get("burst") * 1000000 // rate(), ticks_us, ticks_diff)
    for i in range(60):
        pass
    beat()
alarm.deinit()
for i in range(60):         # what is queued still runs
    pass
