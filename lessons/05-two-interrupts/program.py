import lab
from machine import Timer

# Two callbacks share a pair: the writer adds to `a`, works a little, and adds to `b`; the reader
# takes both and compares. `order` is the reader's priority next to the writer's.
READER_HZ = 870
lab.number("length", 200, 20, 3000)
ORDERS = ("above", "equal", "below")
lab.choice("order", ORDERS, "above")
order = hard = rate = None
a = b = reads = torn = 0
turns = 0


def write(t):
    global a, b
    a += 1
    for i in range(turns):      # the pair is unequal here
        pass
    b += 1


def read(t):
    global reads, torn
    reads += 1
    first = a
    for i in range(10):
        pass
    if b != first:
        torn += 1


def publish():
    lab.value("writes", b)
    lab.value("reads", reads)
    lab.value("torn", torn)


reader = above = i = None    # no new name later: it could move the table of names
writer = Timer(0)
reader = Timer(1)
while lab.running():
    turns = lab.get("length")   # a turn of an empty loop takes about a microsecond
    if (lab.get("order"), lab.hard(), lab.rate()) != (order, hard, rate):
        order = lab.get("order")
        hard = lab.hard()
        rate = lab.rate()
        a = b = reads = torn = 0
        above = {"above": 1, "equal": 0, "below": -1}[order]
        writer.init(freq=rate, callback=write, hard=hard, priority=3)
        reader.init(freq=READER_HZ, callback=read, hard=hard, priority=3 + above)
    for i in range(100):
        pass
    lab.beat()
    publish()

writer.deinit()
reader.deinit()
for i in range(20):
    pass
publish()
lab.done()
