import gc
import lab
import micropython
from array import array

# The callback keeps a reading: as a new pair in a list, as a number appended to a list, or in an
# array that was there before. `bytes` is what the heap lost for each callback.
micropython.alloc_emergency_exception_buf(256)
lab.choice("style", ("build", "append", "array"), "build")
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


def weigh():                    # what the heap has lost since the last time, for each callback
    global lost, mem, at
    free = gc.mem_free()
    if free < mem and seen > at:
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


publish()
while lab.running():
    if lab.get("style") != style or lab.hard() != hard:
        style = lab.get("style")
        hard = lab.hard()
        log = []
        seen = kept = lost = at = 0
        timer = lab.timer(build if style == "build" else append if style == "append" else store)
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
publish()
lab.done()
