import micropython

micropython.alloc_emergency_exception_buf(256)
A = 0.9
B = 0.1
y = 0.0


def tick(t):
    global y
    y = A * y + B * signal()


def position():                 # where the filter is, 0 to 1000
    return int(y)
