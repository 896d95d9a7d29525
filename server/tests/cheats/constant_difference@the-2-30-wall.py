# fails
n = 0
calls = 0


def tick(t):
    pass


def passed(now, before):
    return 100
