import lab
import micropython
from array import array

# A filter follows a signal that jumps between 0 and 1000: in floats, in whole numbers, or in main.
# Positions are published in thousandths of the signal, so that floats and integers compare.
micropython.alloc_emergency_exception_buf(256)
STYLES = ("float", "fixed", "in_main", "read_float", "store_float")
lab.choice("style", STYLES, "float")
style = hard = None
ready = array("f", [0.5, 1.5])
HALF = 0.5                      # a float that is there before the first interrupt
x = 1000
y = 0
yf = 0.0
seen = filtered = worst = 0


def signal():
    global x
    if seen & 255 == 0:         # the signal jumps
        x = 1000 - x


def in_float(t):
    global seen, yf, filtered
    seen += 1
    signal()
    yf = 0.9 * yf + 0.1 * x
    filtered += 1


def in_fixed(t):
    global seen, y, filtered
    seen += 1
    signal()
    y += ((x << 8) - y) * 26 >> 8       # y is in 256ths; 26 / 256 is about a tenth
    filtered += 1


def note(t):
    global seen
    seen += 1
    signal()


def read_float(t):
    global seen, filtered
    seen += 1
    ready[0]                    # only looks at a float that is there
    filtered += 1


def store_float(t):
    global seen, filtered
    seen += 1
    ready[1] = HALF             # four bytes go into their place
    filtered += 1


TICK = {
    "float": in_float,
    "fixed": in_fixed,
    "in_main": note,
    "read_float": read_float,
    "store_float": store_float,
}


def follow():                   # main's turn, once for each event
    global yf, filtered
    while filtered != seen and lab.running():
        yf = 0.9 * yf + 0.1 * x
        filtered += 1


def publish():
    state = lab.lock()
    position = y >> 8 if style == "fixed" else int(yf)
    lab.value("seen", seen)
    lab.value("filtered", filtered)
    lab.value("position", position)
    lab.value("signal", x)
    lab.unlock(state)


i = None    # no new name later: it could move the table of names
while lab.running():
    if lab.get("style") != style or lab.hard() != hard:
        style = lab.get("style")
        hard = lab.hard()
        x = 1000
        y = 0
        yf = 0.0
        seen = filtered = 0
        timer = lab.timer(TICK[style])
    for i in range(40):
        if style == "in_main":
            follow()
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
