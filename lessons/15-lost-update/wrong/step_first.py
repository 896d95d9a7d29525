count = 0
flag = True


def tick(t):
    global count
    count += 1


def main_part(n):
    global count
    for i in range(n):
        step = 1 if flag else 2
        count += step


def total():
    return count
