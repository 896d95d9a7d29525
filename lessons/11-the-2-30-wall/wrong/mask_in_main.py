import micropython

micropython.alloc_emergency_exception_buf(256)
n = 0


def tick(t):
    global n
    n += 1


def passed(now, before):
    return (now - before) & (2**29 - 1)
