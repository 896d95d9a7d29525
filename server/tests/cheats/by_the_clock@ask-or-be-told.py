# fails
# Knows when the lesson's text says that the presses come.
from time import ticks_diff, ticks_ms

PRESSES = (200, 430, 690, 910, 1180, 1390, 1640, 1850, 2110, 2340)
start = ticks_ms()
count = 0


def look():
    global count
    count = sum([ticks_diff(ticks_ms(), start) > press for press in PRESSES])
