import micropython

micropython.alloc_emergency_exception_buf(256)
y = 0                           # in 256ths


def tick(t):
    global y
    y += ((signal() << 8) - y) * 26 >> 8


def position():                 # where the filter is, 0 to 1000
    return y >> 8
