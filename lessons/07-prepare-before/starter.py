import micropython

# Repair `tick` and `reading`: the callback must not create anything, in neither kind, and main must
# find the last 32 readings. The driver gives `measure()`, which is to be asked once for each call.
micropython.alloc_emergency_exception_buf(256)
log = []


def tick(t):
    log.append((len(log), measure()))


def reading(i):                 # number i, counted from the newest
    return log[-1 - i][1]
