SIZE = 12000
things = [None] * SIZE


def renew():
    things[0] = float(A)
    things[-1] = float(B)


def tick(t):
    kept = things[0]
    things[0] = things[-1]
    things[-1] = kept


def front():
    return things[0]


def back():
    return things[-1]
