# What keeps soft callbacks waiting, and handlers that take up to their whole period.
import lab, time, micropython
from machine import Timer


@micropython.native
def native_loop():
    i = 0
    while i < 60000:
        i += 1


def bytecode_loop():
    i = 0
    while i < 6000:
        i += 1


def starve(what):
    global n
    n = 0

    def cb(t):
        global n
        n += 1

    big = range(60000)
    small = [(i * 7919) % 10007 for i in range(3000)]
    t = Timer(0, callback=cb, period=500, tick_hz=1000000, hard=False)
    t0 = time.ticks_us()
    if what == "sort":
        small.sort()
    elif what == "sum":
        sum(big)
    elif what == "native":
        native_loop()
    else:
        bytecode_loop()
    us = time.ticks_diff(time.ticks_us(), t0)
    ran = n
    stats = lab.stats(t)
    t.deinit()
    for i in range(20):
        pass
    print("starve", what, "us", us, "fired", stats[1], "ran", ran, "dropped", stats[4], "queued", stats[5])


for w in ("sort", "sum", "native", "bytecode"):
    starve(w)


def spin_us(us):
    t0 = time.ticks_us()
    while time.ticks_diff(time.ticks_us(), t0) < us:
        pass


def load(hard, length):
    global n
    n = 0

    def cb(t):
        global n
        n += 1
        spin_us(length)

    t = Timer(0, callback=cb, period=1000, tick_hz=1000000, hard=hard)
    loops = 0
    t0 = time.ticks_us()
    while time.ticks_diff(time.ticks_us(), t0) < 150000:
        loops += 1
    t.deinit()
    s = lab.stats(t)
    print("load", "hard" if hard else "soft", "%dus" % length, "fired", s[1], "missed", s[2], "ran", n, "dropped", s[4], "loops", loops)


for length in (10, 200, 800):
    load(True, length)
for length in (10, 200, 800, 1500):
    load(False, length)
