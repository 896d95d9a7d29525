from machine import disable_irq, enable_irq

pos = 9


def walk(n):
    global pos
    for i in range(n):
        pos = 0
        pos = 1
        pos = 2
        pos = 3
        pos = 4
        state = disable_irq()
        if i & 1:
            pos = 5
        enable_irq(state)
        pos = 6
        pos = 7
        pos = 8
        pos = 9
