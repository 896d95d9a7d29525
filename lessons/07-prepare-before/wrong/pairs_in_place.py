import micropython

micropython.alloc_emergency_exception_buf(256)
log = [None] * 64
seen = 0


def tick(t):
    global seen
    seen += 1
    log[seen & 63] = (seen, measure())


def reading(i):                 # number i, counted from the newest
    return log[(seen - i) & 63][1]
