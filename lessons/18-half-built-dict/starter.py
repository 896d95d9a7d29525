import lab

# Repair the program: the callback must find its key at every look-up. Main still has to write
# a value for each of the forty sensors in every round.
NAMES = tuple("sensor%d" % i for i in range(40))
table = {"key": 1}
found = errors = rounds = wrong = 0


def tick(t):
    global found, errors
    try:
        table["key"]
        found += 1
    except Exception:
        errors += 1


def write_round():
    global table
    table = {"key": 1}
    for i, name in enumerate(NAMES):
        table[name] = i


timer = lab.timer(tick)
while lab.running():
    write_round()
    rounds += 1
    if sum(table[name] for name in NAMES) != 780:
        wrong += 1
    lab.beat()
    lab.value("found", found)
    lab.value("errors", errors)
    lab.value("rounds", rounds)
    lab.value("wrong", wrong)

timer.deinit()
for i in range(20):
    pass
lab.value("found", found)
lab.value("errors", errors)
lab.done()
