pos = 9


def walk(n):
    global pos
    for i in range(n):
        pos = 0
        pos = 1
        pos = 2
        pos = 3
        pos = 4
        pos = 5 if i & 1 else 4
        pos = 6
        pos = 7
        pos = 8
        pos = 9
