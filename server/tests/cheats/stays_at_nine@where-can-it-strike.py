# fails
pos = 9


def walk(n):
    for i in range(n):
        pass
