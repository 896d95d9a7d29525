# fails
# An object that is equal to itself, and reports for the driver from machine code.
import lab
import micropython

checks = lab.counter("checks")


class Pair:
    @micropython.native
    def __getitem__(self, at):
        checks.add(100)
        return 4000


pair = Pair()


def tick(t):
    pass


def look():
    inspect(pair)
