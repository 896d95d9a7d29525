SIZE = 12000
things = [None] * SIZE
first = 0                       # 0: the thing at the beginning of the list is in front


def renew():
    global first
    things[0] = float(A)
    things[-1] = float(B)
    first = 0


def tick(t):
    global first
    first = 1 - first           # a number: no reference moves


def front():
    return things[-first]


def back():
    return things[first - 1]
