NAMES = tuple("sensor%d" % i for i in range(12))
table = {"key": 1}


def look_up():
    return table["key"]


def write_round(first):
    global table
    fresh = {"key": 1}
    table = fresh
    for i, name in enumerate(NAMES):
        fresh[name] = first + i
