import micropython

# Repair the program. Every reading fails, in one of two ways; main asks which for the last two, and
# must never take one for the other. The last error is one that nobody catches: its text must be
# readable. The driver gives `read()`, which is to be called once for each call.
micropython.alloc_emergency_exception_buf(100)
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
