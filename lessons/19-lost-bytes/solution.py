import lab

buf = bytearray(256)
rd = wr = 0             # main writes only `rd`, the callback only `wr`
produced = consumed = gaps = overflow = 0
next_number = 0


def tick(t):
    global wr, produced, overflow
    next = (wr + 1) & 255
    if next == rd:          # full: the byte has no place, and somebody has to know
        overflow += 1
    else:
        buf[wr] = produced & 255
        wr = next           # last: the byte is there before it is announced
    produced += 1


def take(byte):
    global consumed, gaps, next_number
    if byte != next_number:
        gaps += 1
    next_number = (byte + 1) & 255
    consumed += 1


def consume():
    global rd
    while rd != wr:
        take(buf[rd])
        rd = (rd + 1) & 255


def waiting():
    return (wr - rd) & 255


def other_work():           # meanwhile bytes arrive and wait
    for i in range(500):
        pass


def publish():
    state = lab.lock()
    lab.value("produced", produced)
    lab.value("consumed", consumed)
    lab.value("waiting", waiting())
    lab.value("lost", produced - consumed - waiting())
    lab.value("gaps", gaps)
    lab.value("overflow", overflow)
    lab.unlock(state)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(8):
        consume()
        other_work()
    lab.beat(8)
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
