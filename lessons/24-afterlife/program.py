import gc
import lab
import micropython
from machine import Timer
from time import ticks_diff, ticks_us

# `part` is a program of its own: it makes a timer, works, and ends. The only name of the timer is
# local. `late` counts callbacks that run after it has ended.
micropython.alloc_emergency_exception_buf(256)
ENDINGS = ("return", "collect", "deinit", "guarded")
lab.choice("ending", ENDINGS, "return")
table = bytes(4096)
runs = parts = late = still = 0
active = True


def tick(t):
    global runs
    runs += 1


def guarded(t):
    global runs
    if active:
        runs += 1


def part(ending):
    global active
    t = Timer(1)
    active = True
    t.init(freq=lab.rate(), callback=guarded if ending == "guarded" else tick, hard=lab.hard())
    for i in range(20):         # short work, and one long call at the end
        lab.beat()
        for j in range(100):
            pass
    for i in range(4):
        sum(table)
    if ending == "deinit" or ending == "guarded":
        active = False
        t.deinit()


def spin(us):
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


def publish():
    lab.value("runs", runs)
    lab.value("parts", parts)
    lab.value("late", late)
    lab.value("still", still)


publish()
ending = runs_then = fired_then = i = None    # no new name later: it could move the table of names
known = Timer(1)
while lab.running():
    ending = lab.get("ending")
    part(ending)
    runs_then = runs
    fired_then = lab.stats(known)[1]
    if ending == "collect":
        gc.collect()
    spin(5000)
    late += runs - runs_then
    still += lab.stats(known)[1] - fired_then
    parts += 1
    lab.beat()
    publish()

known.deinit()
for i in range(20):
    pass
publish()
lab.done()
