buf = bytearray(256)
navail = 0


def tick(t):
    global navail
    buf[navail] = arrive()
    navail += 1


def consume():
    global navail
    i = 0
    while i < navail:
        take(buf[i])
        i += 1
    navail = 0


def waiting():
    return navail
