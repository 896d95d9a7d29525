pair = [0, 0]
locked = False


def tick(t):
    pair[0] += 1
    pair[1] += 1


def look():
    global locked
    locked = True
    inspect(pair)
    locked = False
