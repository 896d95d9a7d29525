import lab
import micropython

# A counter that begins 200 steps short of 2**30, or of -2**30. In the third way main counts, far
# beyond, and the callback only reads.
micropython.alloc_emergency_exception_buf(256)
ROOM = 200                      # steps that are left at the start
UP = 2**30 - 1 - ROOM
DOWN = -2**30 + ROOM
lab.choice("way", ("up", "down", "main"), "up")
lab.choice("style", ("plain", "mask_30", "mask_29"), "plain")
way = style = hard = None
n = steps = broken = 0
BIG = 2**40                     # far beyond
big = copy = BIG


def plain(t):
    global n, steps
    n += 1
    steps += 1


def minus(t):
    global n, steps
    n -= 1
    steps += 1


def mask_30(t):
    global n, steps
    n = (n + 1) & 0x3fffffff
    steps += 1


def mask_29(t):
    global n, steps
    n = (n + 1) & 0x1fffffff
    steps += 1


def look(t):                    # only reads what main counts
    global copy, steps
    copy = big
    steps += 1


def climb(times):               # main counts, and checks what was read
    global big, broken
    for i in range(times):
        big += 1
        if not BIG <= copy <= big:
            broken += 1


def chosen():
    if way == "main":
        return look
    if style == "mask_30":
        return mask_30
    if style == "mask_29":
        return mask_29
    return plain if way == "up" else minus


def publish():
    state = lab.lock()
    lab.value("n", n)
    lab.value("steps", steps)
    lab.value("broken", broken)
    lab.value("left", ROOM - steps if steps < ROOM else 0)
    lab.unlock(state)


i = None    # no new name later: it could move the table of names
while lab.running():
    if (lab.get("way"), lab.get("style"), lab.hard()) != (way, style, hard):
        way = lab.get("way")
        style = lab.get("style")
        hard = lab.hard()
        steps = broken = 0
        big = copy = BIG
        n = UP if way == "up" else DOWN
        timer = lab.timer(chosen())
    if way == "main":
        climb(100)
    else:
        for i in range(100):
            pass
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
