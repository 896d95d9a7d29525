import lab
from array import array

data = array("i", [0] * 16)
copy = array("i", [0] * 16)


def tick(t):                    # writes one number into all words
    number = fresh()
    for i in range(16):
        data[i] = number


def look():
    for i in range(16):
        state = lab.lock()
        copy[i] = data[i]
        lab.unlock(state)
    inspect(copy)
