# Repair this program: no update may be lost, whichever way the callback arrives, and no
# callback may be skipped. The driver makes `tick` the callback of its timer, lets main add by
# `main_part` as often as it likes, and reads the sum by `total`.
count = 0
flag = True


def tick(t):
    global count
    count += 1


def main_part(n):
    global count
    for i in range(n):
        count += 1 if flag else 2


def total():
    return count
