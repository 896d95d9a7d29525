# fails
import micropython

micropython.alloc_emergency_exception_buf(256)


def tick(t):
    deliver(1)
