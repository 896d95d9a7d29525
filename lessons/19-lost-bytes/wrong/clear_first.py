buf = bytearray(256)
navail = 0


def tick(t):
    global navail
    buf[navail] = arrive()
    navail += 1


def consume():
    global navail
    n = navail
    navail = 0              # from here on the callback begins anew at the front
    for i in range(n):
        take(buf[i])


def waiting():
    return navail
