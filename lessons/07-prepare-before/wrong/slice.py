import micropython
from array import array

micropython.alloc_emergency_exception_buf(256)
log = array("h", [0] * 64)


def tick(t):
    log[1:] = log[:-1]
    log[0] = measure()


def reading(i):                 # number i, counted from the newest
    return log[i]
