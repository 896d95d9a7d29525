NAMES = tuple("sensor%d" % i for i in range(12))
table = {"key": 1}
for name in NAMES:          # all keys exist before the first interrupt
    table[name] = 0


def look_up():
    return table["key"]


def write_round(first):
    for i, name in enumerate(NAMES):
        table[name] = first + i
