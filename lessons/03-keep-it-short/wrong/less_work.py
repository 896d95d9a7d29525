def tick(t):
    for i in range(3):
        step()


def turn():
    pass
