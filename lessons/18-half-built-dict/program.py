import lab
from array import array

# Main works on a dictionary; the callback looks up one key that is there from the start.
lab.choice("change", ("grow", "values", "prepared", "set", "list", "array"), "grow")
KEYS = tuple("sensor%d" % i for i in range(60))
table = {"key": 1}
names = {"key"}
line = [0]
cells = array("i", [0])
found = errors = dicts = main_adds = isr_adds = 0
change = timer = None


def tick(t):
    global found, errors
    try:
        table["key"]
        found += 1
    except Exception:
        errors += 1


def in_set(t):
    global found, errors
    if "key" in names:
        found += 1
    else:
        errors += 1


def at_the_end(t):              # the first that came stands at the end of the line
    global found, errors
    try:
        if line[-1] == 0:
            found += 1
        else:
            errors += 1
    except Exception:
        errors += 1


def add_one(t):
    global found, isr_adds
    cells[0] += 1
    isr_adds += 1
    found += 1


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


def grow_set():
    global names
    names = {"key"}
    for key in KEYS:
        names.add(key)


def queue_up():                 # newcomers go to the front, all others move by one place
    global line
    line = [0]
    for i in range(1, 60):
        line.insert(0, i)


def add():
    global main_adds
    for i in range(60):
        cells[0] += 1
    main_adds += 60


def publish():
    state = lab.lock()
    lab.value("found", found)
    lab.value("errors", errors)
    lab.value("dicts", dicts)
    lab.value("lost", main_adds + isr_adds - cells[0])
    lab.unlock(state)


DO = {"grow": grow, "values": values, "prepared": prepared, "set": grow_set, "list": queue_up, "array": add}
LOOK = {"set": in_set, "list": at_the_end, "array": add_one}
do = i = None    # no new name later: it could move the table of names
while lab.running():
    if (lab.get("change"), lab.hard()) != change:
        change = (lab.get("change"), lab.hard())
        found = errors = main_adds = isr_adds = cells[0] = 0
        timer = lab.timer(LOOK.get(change[0], tick))
    do = DO[change[0]]
    for i in range(5):
        do()
        dicts += 1
    lab.beat(5)
    publish()

if timer:
    timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
