import lab
import micropython
from array import array

micropython.alloc_emergency_exception_buf(256)
SIZE = 20
data = array("i", [0] * SIZE)
copy = array("i", [0] * SIZE)
index = overflow = 0


class BoundsException(Exception):
    pass


FULL = BoundsException("Array bounds exceeded")


def callback(t):
    global index
    for i in range(5):
        number = offer()
        data[index] = number
        index += 1
        if index >= SIZE:
            raise FULL


def consume():
    global index
    state = lab.lock()
    count = index
    copy[:] = data
    index = 0
    lab.unlock(state)
    for i in range(count):      # with interrupts on again
        show(copy[i])
