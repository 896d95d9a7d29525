import micropython
from array import array

micropython.alloc_emergency_exception_buf(256)
SIZE = 20
data = array("i", [0] * SIZE)
index = overflow = 0


def callback(t):
    global index, overflow
    for i in range(5):
        number = offer()
        if index < SIZE:
            data[index] = number
            index += 1
        else:                   # no room: that is a number to be counted, not an error
            overflow += 1


def consume():
    global index
    count = index
    for i in range(count):
        show(data[i])
    index = 0
