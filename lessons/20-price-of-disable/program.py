import lab
from machine import Timer
from time import ticks_diff, ticks_us

# Main goes through one critical section after another, each of the chosen length. `lab.lock` is
# `disable_irq`, and measures how long interrupts were off. A second timer shares no data at all.
lab.number("section", 300, 10, 5000)
OTHER_HZ = 100
section = hard = None
seen = others = sections = 0


def tick(t):
    global seen
    seen += 1


def other(t):
    global others
    others += 1


def busy(us):
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


def publish():
    state = lab.lock()
    lab.value("seen", seen)
    lab.value("others", others)
    lab.value("sections", sections)
    lab.unlock(state)


timer = how = i = state = j = None    # no new name later: it could move the table of names
second = Timer(1)
while lab.running():
    if lab.hard() != hard:
        hard = lab.hard()
        timer = lab.timer(tick)
        how = {"freq": OTHER_HZ, "mode": Timer.PERIODIC, "callback": other}
        if hard:
            how["hard"] = True      # a word that official boards do not know
        try:
            second.init(**how)
        except OSError:             # older official boards count this chip's timers 0 and 2
            second = Timer(2)
            second.init(**how)
    section = lab.get("section")
    for i in range(10):
        state = lab.lock()
        busy(section)           # whatever has to be done undisturbed
        lab.unlock(state)
        sections += 1
        for j in range(20):     # and a moment in which interrupts may come
            pass
        lab.beat()
    publish()

timer.deinit()
second.deinit()
for i in range(20):
    pass
publish()
lab.done()
