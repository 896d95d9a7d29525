SIZE = 12000
things = [None] * SIZE


def renew():
    things[0] = float(A)
    things[-1] = float(B)


def tick(t):
    pass


def front():
    return things[0]


def back():
    return things[-1]
