import lab

# Main works on a dictionary; the callback looks up one key that is there from the start.
lab.choice("change", ("grow", "values", "prepared"), "grow")
KEYS = tuple("sensor%d" % i for i in range(60))
table = {"key": 1}
found = errors = dicts = 0


def tick(t):
    global found, errors
    try:
        table["key"]
        found += 1
    except Exception:
        errors += 1


def grow():                     # a new dictionary, key after key
    global table
    table = {"key": 1}
    for key in KEYS:
        table[key] = 0


def values():                   # one key, other values
    for i in range(60):
        table["key"] = i


full = {"key": 1}
for key in KEYS:
    full[key] = 0


def prepared():                 # all keys exist, only their values change
    global table
    table = full
    for key in KEYS:
        table[key] += 1


DO = {"grow": grow, "values": values, "prepared": prepared}
timer = lab.timer(tick)
while lab.running():
    do = DO[lab.get("change")]
    for i in range(5):
        do()
        dicts += 1
    lab.beat(5)
    lab.value("found", found)
    lab.value("errors", errors)
    lab.value("dicts", dicts)

timer.deinit()
for i in range(20):
    pass
lab.value("found", found)
lab.value("errors", errors)
lab.done()
