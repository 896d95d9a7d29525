from array import array

shared = array("i", [0] * 16)
copy = array("i", [0] * 16)
source, target = memoryview(shared), memoryview(copy)
deferred = 0


def tick(t):
    number = fresh()
    for i in range(16):
        shared[i] = number


def read():
    target[:] = source
    return copy
