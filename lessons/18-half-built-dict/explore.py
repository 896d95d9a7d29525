# What the race explorer runs after program.py, in the same globals: main changes its table once, in
# the chosen way, between two marks. A few keys show what sixty do.
KEYS = KEYS[:6]


def one_value():
    table["key"] = 1


def queue_up_a_few():
    global line
    line = [0]
    for i in range(1, 6):
        line.insert(0, i)


def add_once():
    global main_adds
    cells[0] += 1
    main_adds += 1


def execute(begin, end):
    lab.mark(begin)
    do()
    lab.mark(end)


change = lab.get("change")
do = {"values": one_value, "list": queue_up_a_few, "array": add_once}.get(change, DO[change])
timer = lab.timer(LOOK.get(change, tick))
for i in range(4):          # caches are warm afterwards
    execute(0, 0)
execute(1, 2)
for i in range(4):          # what waits in the queue runs here
    pass
lab.mark(16, found)
lab.mark(17, errors)
lab.mark(18, main_adds + isr_adds - cells[0])
lab.mark(3)
timer.deinit()
