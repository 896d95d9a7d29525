from array import array

pair = (array("i", [0] * 16), array("i", [0] * 16))
front = 0
deferred = 0


def tick(t):
    global front
    number = fresh()
    words = pair[1 - front]
    for i in range(16):
        words[i] = number
    front = 1 - front


def read():
    return pair[front]
