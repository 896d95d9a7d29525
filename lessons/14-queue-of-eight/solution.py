import micropython
from micropython import schedule

micropython.alloc_emergency_exception_buf(256)
seen = delivered = 0
pending = False


def tick(t):
    global seen, pending
    seen += 1
    if not pending:             # one call on its way accounts for any number of events
        pending = True
        try:
            schedule(work, 0)
        except RuntimeError:    # others have filled the queue: the next event asks again
            pending = False


def work(_):
    global delivered, pending
    pending = False             # first this, so that a new event asks for a new call
    now = seen
    deliver(now - delivered)
    delivered = now
