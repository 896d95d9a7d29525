import lab
from time import ticks_diff, ticks_us

# Two values belong together: the callback adds one to both. Main locks, looks at the pair, and
# unlocks. `locked` has one writer, so a plain variable is enough for a mutex.
lab.number("section", 100, 10, 2000)
style = lab.choice("style", ("ignore", "skip", "remember"), "skip")
a = b = torn = skipped = remembered = added = 0
locked = False


def tick(t):
    global a, b, skipped, remembered
    if locked and style == "skip":
        skipped += 1
    elif locked and style == "remember":
        remembered += 1             # only the callback writes this
    else:
        a += 1
        b += 1


def look(us):                       # a critical section: the pair must not change meanwhile
    global locked, torn, a, b, added
    locked = True
    first = a
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass
    if b != first:
        torn += 1
    if style == "remember":         # main takes over what the callback could not add
        new = remembered - added
        a += new
        b += new
        added += new
    locked = False


def publish():
    lab.value("a", a)
    lab.value("b", b)
    lab.value("total", a)
    lab.value("torn", torn)
    lab.value("skipped", skipped)
    lab.value("added", added)


publish()
section = i = j = None    # no new name later: it could move the table of names
timer = lab.timer(tick)
while lab.running():
    style = lab.get("style")
    section = lab.get("section")
    for i in range(10):
        look(section)
        for j in range(50):         # time for callbacks that find the lock open
            pass
    lab.beat(10)
    publish()

timer.deinit()
for i in range(20):
    pass
look(10)
publish()
lab.done()
