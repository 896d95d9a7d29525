import gc
import lab
from machine import disable_irq, enable_irq

# Main collects garbage and fills the memory that is free with other numbers, again and again. The callback
# exchanges two floats, one at each end of a long list; or only the number that says which of them is first.
SIZE = 12000
lab.choice("what", ("references", "index", "guarded", "held"), "references")
things = [None] * SIZE
held = [None, None]
rubbish = [None] * 400
what = hard = timer = None
first = swaps = collections = lost = 0


def swap_references(t):
    global swaps
    things[0], things[-1] = things[-1], things[0]
    swaps += 1


def swap_index(t):
    global first, swaps
    first = 1 - first
    swaps += 1


def renew():                        # two new floats: 1.0 and 2.0
    state = disable_irq()
    things[0] = float(1)
    things[-1] = float(2)
    held[0] = things[0] if what == "held" else None
    held[1] = things[-1] if what == "held" else None
    enable_irq(state)


def intact():
    state = disable_irq()
    a, b = things[0], things[-1]
    enable_irq(state)
    return a + b == 3 and a != b


def collect():
    if what == "guarded":
        state = disable_irq()
        gc.collect()
        enable_irq(state)
    else:
        gc.collect()


def fill(yes):
    for i in range(400):
        rubbish[i] = float(9) if yes else None


def publish():
    state = lab.lock()
    lab.value("swaps", swaps)
    lab.value("collections", collections)
    lab.value("lost", lost)
    lab.unlock(state)


both = i = None    # no new name later: it could move the table of names
while lab.running():
    if (lab.get("what"), lab.hard()) != (what, hard):
        what = lab.get("what")
        hard = lab.hard()
        swaps = collections = lost = 0
        renew()
        timer = lab.timer(swap_index if what == "index" else swap_references)
    collect()
    collections += 1
    fill(True)
    both = intact()
    fill(False)
    if not both:
        lost += 1
        gc.collect()
        renew()
    lab.beat()
    publish()

if timer:
    timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
