import lab
import micropython
from array import array

# Repair `callback` and `consume`: the callback must survive a slow main, every number that finds
# no room must be counted in `overflow`, and interrupts must not be off for more than 150 us.
# `offer()` gives the next number, five times for each event, and `show(number)`, which is slow, takes
# it; both are the driver's.
micropython.alloc_emergency_exception_buf(256)
SIZE = 20
data = array("i", [0] * SIZE)
index = overflow = 0


class BoundsException(Exception):
    pass


def callback(t):
    global index
    for i in range(5):
        number = offer()
        data[index] = number
        index += 1
        if index >= SIZE:
            raise BoundsException("Array bounds exceeded")


def consume():
    global index
    state = lab.lock()
    for i in range(index):
        show(data[i])
    index = 0
    lab.unlock(state)
