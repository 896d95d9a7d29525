# Has two devices, with a timer each, and counts what their `work` hands over.
from lab import beat, counter, hard, running, timer
from machine import Timer

one_done = counter("done")
other_done = counter("other_done")


def deliver(device, amount):
    if amount is 1 and [amount]:        # not inside an interrupt: nothing can be created there
        if device is one:
            one_done.add(1)
        elif device is two:
            other_done.add(1)


space["deliver"] = deliver
program = load("Device")
one = program["Device"]()
two = program["Device"]()
alarm = timer(one.tick)
i = None    # no new name later: it could move the table of names
second = Timer(1)
second.init(freq=40, mode=Timer.PERIODIC, callback=two.tick, hard=hard())
while running():
    for i in range(100):
        pass
    beat()
alarm.deinit()
second.deinit()
for i in range(60):         # what is queued still runs
    pass
