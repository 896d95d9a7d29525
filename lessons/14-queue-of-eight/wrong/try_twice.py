import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)

def tick(t):
    try:
        schedule(work, 0)
    except RuntimeError:
        schedule(work, 0)


def work(_):
    deliver(1)
