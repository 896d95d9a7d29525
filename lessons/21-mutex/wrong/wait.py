pair = [0, 0]
locked = False


def tick(t):
    for i in range(20):
        if not locked:
            break
    else:
        return
    pair[0] += 1
    pair[1] += 1


def look():
    global locked
    locked = True
    inspect(pair)
    locked = False
