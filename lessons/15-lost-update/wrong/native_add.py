import micropython

count = 0
flag = True


def tick(t):
    global count
    count += 1


@micropython.native
def add_one():
    global count
    count += 1 if flag else 2


def main_part(n):
    for i in range(n):
        add_one()


def total():
    return count
