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
    navail -= n


def waiting():
    return navail
