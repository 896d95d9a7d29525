# fails
def tick(t):
    pass


def measure():
    for i in range(10):
        sample()
    work()
