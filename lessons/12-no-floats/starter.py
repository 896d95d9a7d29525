import micropython

# Repair `tick` and `position`: the filter must run in the callback, in both kinds, and follow the
# signal as the exact one does, within 8 of 1000. The driver gives `signal()`, which is to be asked
# once for each call, and asks for `position` right afterwards, inside the callback, too.
micropython.alloc_emergency_exception_buf(256)
y = 0.0


def tick(t):
    global y
    y = 0.9 * y + 0.1 * signal()


def position():                 # where the filter is, 0 to 1000
    return int(y)
