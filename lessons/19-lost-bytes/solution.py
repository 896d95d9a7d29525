buf = bytearray(256)
rd = wr = 0             # main writes only `rd`, the callback only `wr`
overflow = 0


def tick(t):
    global wr, overflow
    next = (wr + 1) & 255
    byte = arrive()
    if next == rd:          # full: the byte has no place, and somebody has to know
        overflow += 1
    else:
        buf[wr] = byte
        wr = next           # last: the byte is there before it is announced


def consume():
    global rd
    while rd != wr:
        take(buf[rd])
        rd = (rd + 1) & 255


def waiting():
    return (wr - rd) & 255
