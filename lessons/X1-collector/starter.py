# Repair the program: the callback comes while main collects garbage, and both things have to be there
# afterwards. The driver calls `renew` at the beginning, and again where a thing is lost; `front` and `back`
# give the two things. Each event exchanges them. `A` and `B` are the driver's.
SIZE = 12000
things = [None] * SIZE


def renew():
    things[0] = float(A)
    things[-1] = float(B)


def tick(t):
    things[0], things[-1] = things[-1], things[0]


def front():
    return things[0]


def back():
    return things[-1]
