# fails
import sys


class Clock:
    def ticks_us(self):
        return 0

    def ticks_diff(self, a, b):
        return 1 << 20


sys.modules["time"] = Clock()


def ticks_diff(a, b):
    return 1 << 20


def tick(t):
    for i in range(15):
        step()


def turn():
    pass
