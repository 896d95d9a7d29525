import micropython

micropython.alloc_emergency_exception_buf(256)
last = before = None


def tick(t):
    global last, before
    try:
        read()
    except ZeroDivisionError:
        before = last
        last = ZeroDivisionError
    except IndexError:
        before = last
        last = IndexError
    except MemoryError:
        pass


def is_division(error):         # main asks this about `last` and `before`: True or False
    return error is ZeroDivisionError
