import micropython

micropython.alloc_emergency_exception_buf(256)
y = 0


def tick(t):
    global y
    y += ((signal() << 16) - y) * 6554 >> 16


def position():                 # where the filter is, 0 to 1000
    return y >> 16
