buf = bytearray(256)
navail = 0
busy = False


def tick(t):
    global navail
    if busy:
        return
    buf[navail] = arrive()
    navail += 1


def consume():
    global navail, busy
    busy = True
    n = navail
    for i in range(n):
        take(buf[i])
    navail = 0
    busy = False


def waiting():
    return navail
