import lab

buf = bytearray(256)
navail = 0
produced = consumed = gaps = 0
next_number = 0


def tick(t):
    global navail, produced
    buf[navail] = produced & 255
    navail += 1
    produced += 1


def take(byte):
    global consumed, gaps, next_number
    if byte != next_number:
        gaps += 1
    next_number = (byte + 1) & 255
    consumed += 1


def consume():
    global navail
    n = navail
    navail = 0              # from here on the callback begins anew at the front
    for i in range(n):
        take(buf[i])


def waiting():
    return navail


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
