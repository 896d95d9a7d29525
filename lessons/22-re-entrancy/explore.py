# What the race explorer runs after program.py, in the same globals: main asks once, in the chosen
# style, between two marks.

def explore_pack(begin, end):
    global wrong
    lab.mark(begin)
    answer = pack(MAIN)
    lab.mark(end)
    if answer != MAIN:
        wrong += 1


def explore_checked(begin, end):
    global wrong
    lab.mark(begin)
    answer = pack_checked(MAIN)
    lab.mark(end)
    if answer != MAIN:
        wrong += 1


def explore_own(begin, end):
    global wrong
    lab.mark(begin)
    answer = pack_checked(MAIN, mine)
    lab.mark(end)
    if answer != MAIN:
        wrong += 1


def explore_generator(begin, end):
    global clashes
    lab.mark(begin)
    try:
        next(numbers)
    except ValueError:
        clashes += 1
    lab.mark(end)


EXPLORE = {
    "shared": explore_pack,
    "branch": explore_checked,
    "own": explore_own,
    "generator": explore_generator,
}
style = lab.get("style")
execute = EXPLORE[style]
timer = lab.timer(TICK[style])
for i in range(4):          # caches are warm afterwards
    execute(0, 0)
execute(1, 2)
for i in range(4):          # what waits in the queue runs here
    pass
lab.mark(16, wrong)
lab.mark(17, isr_asked)
lab.mark(18, isr_wrong)
lab.mark(19, clashes)
lab.mark(20, lab.stats(timer)[3])
lab.mark(3)
timer.deinit()
