# fails
# Says by itself what the driver says, after it.
import lab

count = 0


def tick(t):
    global count
    count += 1


def main_part(n):
    global count
    for i in range(n):
        count += 1 if count >= 0 else 2


def total():
    lab.counter("main_adds").set(20000)
    lab.value("count", 22000)
    lab.value("lost", 0)
    return count
