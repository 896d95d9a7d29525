import micropython

micropython.alloc_emergency_exception_buf(256)
MASK = 2**30 - 1
n = 0


def tick(t):
    global n
    n = (n + 1) & MASK


def passed(now, before):
    return (now - before) & MASK
