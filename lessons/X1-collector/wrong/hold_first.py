SIZE = 12000
things = [None] * SIZE
held = None


def renew():
    global held
    things[0] = float(A)
    things[-1] = float(B)
    held = things[0]


def tick(t):
    things[0], things[-1] = things[-1], things[0]


def front():
    return things[0]


def back():
    return things[-1]
