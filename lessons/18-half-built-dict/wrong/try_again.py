NAMES = tuple("sensor%d" % i for i in range(12))
table = {"key": 1}


def look_up():
    try:
        return table["key"]
    except KeyError:
        return table["key"]


def write_round(first):
    global table
    table = {"key": 1}
    for i, name in enumerate(NAMES):
        table[name] = first + i
