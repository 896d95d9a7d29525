# fails
ready = [None] * 1024
n = 0


def tick(t):
    global n
    ready[n].send(None)
    n += 1


async def consumer():
    pass


for i in range(1024):
    ready[i] = work(1)
