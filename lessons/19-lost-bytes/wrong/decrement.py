buf = bytearray(256)
navail = rd = wr = 0


def tick(t):
    global navail, wr
    buf[wr] = arrive()
    wr = (wr + 1) & 255
    navail += 1


def consume():
    global navail, rd
    while navail:
        take(buf[rd])
        rd = (rd + 1) & 255
        navail -= 1


def waiting():
    return navail
