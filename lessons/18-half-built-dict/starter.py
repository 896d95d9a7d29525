# Repair the program: the callback must find its key at every look-up. Main still has to write
# a value for each of the twelve sensors in every round. The driver's callback calls `look_up`, and
# main calls `write_round`, each time with another first value.
NAMES = tuple("sensor%d" % i for i in range(12))
table = {"key": 1}


def look_up():
    return table["key"]


def write_round(first):
    global table
    table = {"key": 1}
    for i, name in enumerate(NAMES):
        table[name] = first + i
