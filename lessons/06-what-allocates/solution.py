import micropython
from array import array

micropython.alloc_emergency_exception_buf(256)
readings = array("i", [0] * 8)
mean = top = above = seen = 0


def tick(t):
    global mean, top, above, seen
    seen += 1
    readings[seen & 7] = reading()
    total = largest = 0
    for i in range(8):
        total += readings[i]
        if readings[i] > largest:
            largest = readings[i]
    count = 0
    for i in range(8):
        if readings[i] * 8 > total:     # above the mean, without dividing
            count += 1
    mean = total // 8
    top = largest
    above = count
