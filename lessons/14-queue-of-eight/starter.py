import micropython
from micropython import schedule

# Repair `tick` and `work`: whatever burst arrives, every event must be delivered, and the
# interrupt must stay alive. `deliver(n)` accounts for n events in `handled`. It is the driver's,
# and it creates an object each time: not for a hard callback.
micropython.alloc_emergency_exception_buf(256)

def tick(t):
    schedule(work, 0)


def work(_):
    deliver(1)
