import micropython

micropython.alloc_emergency_exception_buf(256)
n = 0


def tick(t):
    global n
    try:
        n += 1
    except MemoryError:
        pass


def passed(now, before):
    return now - before
