# Starts the writer's and the reader's timer, and looks at what the reader uses.
from array import array
from lab import beat, counter, hard, rate, running, value
from machine import Timer

torn = counter("torn")
reads = counter("reads")
numbers = array("i", [chance(1 << 20)])      # the last one that was given


def fresh():
    numbers[0] += 1
    return numbers[0]


def prepare():
    for i in range(200):
        pass


def use(a, b):
    if a is not b or a is not 0 and a is not numbers[0] and a is not numbers[0] - 1:
        torn.add(1)
    reads.add(1)


space["fresh"] = fresh
space["prepare"] = prepare
space["use"] = use
first = numbers[0]
program = load("write", "read", "deferred")
high, low = 4, 3
if program.get("PRIORITIES") is not None:
    low, high = program["PRIORITIES"]
reader = i = None    # no new name later: it could move the table of names
writer = Timer(0)
reader = Timer(1)
writer.init(freq=rate(), callback=program["write"], hard=hard(), priority=low)
reader.init(freq=870, callback=program["read"], hard=hard(), priority=high)
while running():
    for i in range(100):
        pass
    beat()
    value("writes", numbers[0] - first)
    value("deferred", program["deferred"])
writer.deinit()
reader.deinit()
for i in range(20):
    pass
value("writes", numbers[0] - first)
value("deferred", program["deferred"])
