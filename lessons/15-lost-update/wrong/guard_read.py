from machine import disable_irq, enable_irq

count = 0
flag = True


def tick(t):
    global count
    count += 1


def main_part(n):
    global count
    for i in range(n):
        state = disable_irq()
        mine = count
        enable_irq(state)
        count = mine + (1 if flag else 2)


def total():
    return count
