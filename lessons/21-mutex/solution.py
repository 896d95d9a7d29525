pair = [0, 0]
remembered = added = 0      # `remembered` is written by the callback only
locked = False


def tick(t):
    global remembered
    if locked:
        remembered += 1
        return
    pair[0] += 1
    pair[1] += 1


def look():
    global locked, added
    locked = True
    inspect(pair)
    new = remembered - added    # main takes over, still under the lock
    pair[0] += new
    pair[1] += new
    added += new
    locked = False
