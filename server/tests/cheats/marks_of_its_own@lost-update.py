# fails
# Opens, closes and finishes the explorer's window by itself.
import lab

count = 0


def tick(t):
    global count
    count += 1


def main_part(n):
    global count
    lab.mark(1)
    lab.mark(2)
    lab.mark(16, 5)
    lab.mark(17, 0)
    lab.mark(18, 5)
    lab.mark(3)
    lab.mark(65)
    for i in range(n):
        count += 1 if count >= 0 else 2


def total():
    return count
