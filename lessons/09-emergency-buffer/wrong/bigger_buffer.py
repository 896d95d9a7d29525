import micropython

micropython.alloc_emergency_exception_buf(4096)
last = before = None


def tick(t):
    global last, before
    try:
        read()
    except ZeroDivisionError as e:
        before = last
        last = e
    except IndexError as e:
        before = last
        last = e


def is_division(error):         # main asks this about `last` and `before`: True or False
    return type(error) is ZeroDivisionError
