from machine import disable_irq, enable_irq

buf = bytearray(256)
navail = 0


def tick(t):
    global navail
    buf[navail] = arrive()
    navail += 1


def consume():
    global navail
    state = disable_irq()
    n = navail
    enable_irq(state)
    for i in range(n):
        take(buf[i])
    state = disable_irq()
    navail = 0
    enable_irq(state)


def waiting():
    return navail
