import gc
import lab
import micropython
from array import array
from time import ticks_diff, ticks_us

# The callback keeps a reading: as a new pair in a list, as a number appended to a list, or in an
# array that was there before. `bytes` is what the heap lost for each callback.
micropython.alloc_emergency_exception_buf(256)
lab.choice("style", ("build", "append", "array", "default", "device"), "build")
style = hard = None
SIZE = 64
data = array("i", [0] * SIZE)
log = []
seen = kept = lost = mem = at = 0


def build(t):
    global seen, kept
    seen += 1
    log.append([seen, seen * 3 & 1023])
    kept += 1


def append(t):
    global seen, kept
    seen += 1
    log.append(seen * 3 & 1023)
    kept += 1


def store(t):
    global seen, kept
    seen += 1
    data[seen & 63] = seen * 3 & 1023
    kept += 1


def default(t, buf=bytearray(SIZE)):    # a buffer as default argument
    global seen, kept
    seen += 1
    buf[seen & 63] = seen * 3 & 255
    kept += 1


class Device:                   # the buffer and a flag, made in the constructor
    def __init__(self):
        self.buf = bytearray(SIZE)
        self.ready = False

    def take(self, t):
        global seen, kept
        seen += 1
        self.buf[seen & 63] = seen * 3 & 255
        self.ready = True
        kept += 1


device = Device()
WAYS = {"build": build, "append": append, "array": store, "default": default, "device": device.take}


def timed(places):              # how long 640 reads and stores take, in microseconds
    took = 0
    for i in range(10):
        start = ticks_us()
        for j in range(SIZE):
            places[j] = places[j - 1]
        took += ticks_diff(ticks_us(), start)
        lab.beat()
    return took


array_us = timed(data)
list_us = timed([0] * SIZE)
collections = collect_us = 0


def weigh():                    # what the heap has lost since the last time, for each callback
    global lost, mem, at, collections
    free = gc.mem_free()
    if free > mem:
        collections += 1        # the collector has been
    elif free < mem and seen > at:
        each = (mem - free) // (seen - at)
        if each > lost:
            lost = each
    mem = free
    at = seen


def publish():
    state = lab.lock()
    lab.value("seen", seen)
    lab.value("kept", kept)
    lab.unlock(state)
    lab.value("bytes", lost)
    lab.value("mem_free", mem)
    lab.value("array_us", array_us)
    lab.value("list_us", list_us)
    lab.value("collections", collections)
    lab.value("collect_us", collect_us)


publish()
i = j = start = None    # no new name later: it could move the table of names
while lab.running():
    if lab.get("style") != style or lab.hard() != hard:
        style = lab.get("style")
        hard = lab.hard()
        log = []
        seen = kept = lost = at = collections = 0
        timer = lab.timer(WAYS[style])
        mem = gc.mem_free()     # what main itself created is not the callback's
    for i in range(50):
        for j in range(100):
            pass
        lab.beat()
    if len(log) > 400:
        log = []                # the old ones have been used
    weigh()
    publish()

timer.deinit()
for i in range(20):
    pass
start = ticks_us()
gc.collect()
collect_us = ticks_diff(ticks_us(), start)
publish()
lab.done()
