# Where in a straight loop the callback runs; with a branch in the middle for comparison.
import array
from machine import Timer

H = array.array("i", [0] * 10)
pos = 0


def cb(t):
    H[pos] += 1


def run(hard, shape, n=6000):
    global pos
    for i in range(10):
        H[i] = 0
    # With some periods alarms and loop keep step, and places are left out; which these are depends on where the firmware lies.
    t = Timer(0, callback=cb, period=89, tick_hz=1000000, hard=hard)
    if shape == "branch":
        for i in range(n):
            pos = 0; pos = 1; pos = 2; pos = 3; pos = 4
            if i: pos = 5
            pos = 6; pos = 7; pos = 8; pos = 9
    elif shape == "fixed":
        for i in range(n):
            pos = 0; pos = 1; pos = 2; pos = 3; pos = 4
            pos = 4 + bool(i)
            pos = 6; pos = 7; pos = 8; pos = 9
    else:
        for i in range(n):
            pos = 0; pos = 1; pos = 2; pos = 3; pos = 4; pos = 5; pos = 6; pos = 7; pos = 8; pos = 9
    t.deinit()
    print("hard" if hard else "soft", shape, *["H%d %d" % (i, H[i]) for i in range(10)])


for h in (True, False):
    for s in ("straight", "branch"):
        run(h, s)
run(False, "fixed")
