# Repair `tick` and `consume`: every byte that is produced must be consumed, in order, with
# soft and with hard interrupts. `arrive()` gives the byte that has come, once for each event, and
# `take(byte)` consumes it; both are the driver's. `waiting` says how many bytes are in the buffer.
buf = bytearray(256)
navail = 0


def tick(t):
    global navail
    buf[navail] = arrive()
    navail += 1


def consume():
    global navail
    n = navail
    for i in range(n):
        take(buf[i])
    navail = 0


def waiting():
    return navail
