import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)
pending = False


def tick(t):
    global pending
    if not pending:
        pending = True
        schedule(work, 0)


def work(_):
    global pending
    pending = False
    deliver(1)
