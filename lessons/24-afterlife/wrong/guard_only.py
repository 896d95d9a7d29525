import lab
import micropython
from machine import Timer
from time import ticks_diff, ticks_us

micropython.alloc_emergency_exception_buf(256)
table = bytes(4096)
active = False
samples = parts = failures = late = still = 0


def tick(t):
    global samples
    if active:                  # one that was queued comes after the end
        samples += 1


def measure(n):
    global active
    t = Timer(1)
    active = True
    t.init(freq=lab.rate(), callback=tick, hard=lab.hard())
    try:
        for i in range(10):
            for j in range(100):
                pass
        for i in range(4):
            sum(table)
        if n % 3 == 0:
            raise ValueError("no sensor")
    finally:                    # whatever happens
        active = False


def spin(us):
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


def publish():
    lab.value("samples", samples)
    lab.value("parts", parts)
    lab.value("failures", failures)
    lab.value("late", late)
    lab.value("still", still)


publish()
known = Timer(1)
while lab.running():
    parts += 1
    try:
        measure(parts)
    except ValueError:
        failures += 1
    samples_then = samples
    fired_then = lab.stats(known)[1]
    spin(5000)
    late += samples - samples_then
    still += lab.stats(known)[1] - fired_then
    lab.beat()
    publish()

known.deinit()
for i in range(20):
    pass
publish()
lab.done()
