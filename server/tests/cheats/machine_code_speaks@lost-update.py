# fails
# Functions in machine code have no code state of their own: they speak for the driver that calls them.
import lab
import micropython

adds = lab.counter("main_adds")
count = 0


def tick(t):
    global count
    count += 1


@micropython.native
def main_part(n):
    global count
    for i in range(n):
        count += 1
    adds.add(100000)
    lab.value("count", 0)


@micropython.native
def total():
    lab.value("lost", 0)
    lab.value("count", 1)
    return count
