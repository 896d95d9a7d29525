# fails
import lab

count = lab.counter("steps")


def step():
    count.add(1)


def tick(t):
    for i in range(15):
        step()


def turn():
    pass
