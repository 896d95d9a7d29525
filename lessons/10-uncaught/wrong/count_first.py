import micropython

micropython.alloc_emergency_exception_buf(256)
good = errors = 0


def tick(t):
    global good, errors
    good += 1
    try:
        read()
    except OSError:
        errors += 1
