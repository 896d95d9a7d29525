count = 0
flag = True
busy = False
pending = 0


def tick(t):
    global count, pending
    if busy:                        # main adds it later
        pending += 1
    else:
        count += 1


def main_part(n):
    global count, busy, pending
    for i in range(n):
        busy = True
        count += 1 if flag else 2
        count += pending
        pending = 0
        busy = False


def total():
    return count
