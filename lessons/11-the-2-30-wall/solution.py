import micropython

micropython.alloc_emergency_exception_buf(256)
MASK = 2**29 - 1                # one bit below the wall: the sum before the mask is still small
n = 0


def tick(t):
    global n
    n = (n + 1) & MASK


def passed(now, before):
    return (now - before) & MASK
