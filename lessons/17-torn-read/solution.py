from array import array

shared = array("i", [0] * 16)
copy = array("i", [0] * 16)
source, target = memoryview(shared), memoryview(copy)
updates = deferred = 0


def tick(t):
    global updates
    number = fresh()
    for i in range(16):
        shared[i] = number
    updates += 1


def read():                     # copy in one call; if an update came meanwhile, once more
    while True:
        before = updates
        target[:] = source
        if updates == before:
            return copy
