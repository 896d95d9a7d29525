import micropython

# Repair the program: the counter must go past 2**30 in a hard callback, and `passed` must still
# tell how many events lie between two readings. It will never be asked about more than 2**28. The
# driver puts `n` a little below 2**30 or 2**29 now and then, and asks.
micropython.alloc_emergency_exception_buf(256)
n = 0


def tick(t):
    global n
    n += 1


def passed(now, before):
    return now - before
