# Has something measured, again and again, and looks what still comes when that is over.
from lab import beat, counter, running, stats
from machine import Timer
from time import ticks_diff, ticks_us

parts = counter("parts")
works = counter("works")
samples = counter("samples")
failures = counter("failures")
hidden = counter("hidden")
late = counter("late")
still = counter("still")
table = bytes(4096)
stage = 0                       # 1: `measure` was called, 2: it is at work
failed = False


def sample():
    if stage is 2:
        samples.add(1)
    elif stage is 0:
        late.add(1)


def work():
    nonlocal stage, failed
    stage = 2
    for i in range(1000):
        pass
    for i in range(4):
        sum(table)
    stage = 1
    works.add(1)
    if chance(3) is 0:
        failed = True
        raise ValueError("no sensor")


space["sample"] = sample
space["work"] = work
timers = (Timer(0), Timer(1))
program = load("tick", "measure")
measure = program["measure"]
while running():
    parts.add(1)
    failed = told = False
    stage = 1
    try:
        measure()
    except ValueError:
        told = True
    stage = 0
    if failed:
        failures.add(1)
    if failed is not told:
        hidden.add(1)
    then = stats(timers[0])[1] + stats(timers[1])[1]
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 5000:
        pass
    still.add(stats(timers[0])[1] + stats(timers[1])[1] - then)
    beat()
for timer in timers:
    timer.deinit()
for i in range(20):
    pass
