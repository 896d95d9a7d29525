count = 0
flag = True
locked = False


def tick(t):
    global count
    if locked:
        return
    count += 1


def main_part(n):
    global count, locked
    for i in range(n):
        locked = True
        count += 1 if flag else 2
        locked = False


def total():
    return count
