import micropython

micropython.alloc_emergency_exception_buf(256)
good = errors = 0


def tick(t):
    global good, errors
    failed = True
    try:
        read()
        good += 1
        failed = False
    finally:
        if failed:
            errors += 1
