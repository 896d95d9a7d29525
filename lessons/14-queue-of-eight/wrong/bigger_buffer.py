import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(4096)

def tick(t):
    schedule(work, 0)


def work(_):
    deliver(1)
