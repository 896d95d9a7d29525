from micropython import schedule


def tick(t):
    schedule(work, 0)


def work(_):
    for i in range(15):
        step()


def turn():
    pass
