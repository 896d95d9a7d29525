count = 0
isr_adds = 0
flag = True


def tick(t):
    global count, isr_adds
    count += 1
    isr_adds += 1


def main_part(n):
    global count
    for i in range(n):
        before = isr_adds
        mine = count + (1 if flag else 2)
        while before != isr_adds:       # a callback came in between: once more
            before = isr_adds
            mine = count + (1 if flag else 2)
        count = mine


def total():
    return count
