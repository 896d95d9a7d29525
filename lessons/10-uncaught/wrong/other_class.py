import micropython

micropython.alloc_emergency_exception_buf(256)
good = errors = 0


def tick(t):
    global good, errors
    try:
        read()
        good += 1
    except ValueError:
        errors += 1
