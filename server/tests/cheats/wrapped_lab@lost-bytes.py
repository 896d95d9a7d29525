# fails
import sys

import lab as real


class Lab:
    def __getattr__(self, name):
        return getattr(real, name)

    def value(self, name, number):
        real.value(name, 0 if name in ("lost", "gaps") else number)

    def mark(self, n, value=0):
        real.mark(n, 0 if n > 16 else value)


lab = sys.modules["lab"] = Lab()


def tick(t):
    arrive()


def consume():
    pass


def waiting():
    return 0
