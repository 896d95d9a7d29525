# refused: driver-own-end
import lab

count = rounds = 0


def tick(t):
    global count
    count += 1


def main_part(n):
    global count, rounds
    for i in range(n):
        count += 1
    rounds += 1
    if rounds == 40:
        lab.done()


def total():
    return count
