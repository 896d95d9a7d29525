# fails
deferred = 0


def tick(t):
    global deferred
    deferred += 1


def read():
    return [0] * 16
