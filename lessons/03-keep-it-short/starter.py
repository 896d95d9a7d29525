import lab
from time import ticks_diff, ticks_us

# Repair the program: main must never stand still for two milliseconds, and every event must
# still get its fifteen steps.
seen = processed = steps = 0


def step():                     # a piece of work, 200 us long
    global steps
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 200:
        pass
    steps += 1


def tick(t):
    global seen, processed
    seen += 1
    for i in range(15):
        step()
    processed += 1


def turn():                     # main looks after the rest
    for i in range(20):
        pass
    lab.beat()


def publish():
    state = lab.lock()
    lab.value("seen", seen)
    lab.value("processed", processed)
    lab.value("steps", steps)
    lab.unlock(state)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(40):
        turn()
    publish()

timer.deinit()
for i in range(20):
    pass
turn()
publish()
lab.done()
