# refused: driver-unfinished
import sys

rounds = 0


def tick(t):
    pass


def main_part(n):
    global rounds
    rounds += 1
    if rounds == 40:
        sys.exit()


def total():
    return 0
