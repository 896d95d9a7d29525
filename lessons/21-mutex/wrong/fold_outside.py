pending = 0
pair = [0, 0]
locked = False


def tick(t):
    global pending
    if locked:
        pending += 1
        return
    pair[0] += 1
    pair[1] += 1


def look():
    global locked, pending
    locked = True
    inspect(pair)
    locked = False
    pair[0] += pending
    pair[1] += pending
    pending = 0
