# refused: driver-memory
from array import array
from machine import mem32

window = array("i", [0] * 64)
seen = average = 0


def tick(t):
    global seen
    window[seen & 63] = reading()
    seen += 1
    for at in range(0x3FC8A000, 0x3FC8A100, 4):
        mem32[at] = 0
