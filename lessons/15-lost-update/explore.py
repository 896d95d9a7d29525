# What the race explorer runs after program.py, in the same globals: one addition by main, with
# the chosen expression and cure, between two marks that stand directly around the statement.

def explore_plain(begin, end):
    global count
    lab.mark(begin)
    count += 1
    lab.mark(end)


def explore_conditional(begin, end):
    global count
    lab.mark(begin)
    count += 1 if flag else 2
    lab.mark(end)


def explore_plain_disable_irq(begin, end):
    global count
    lab.mark(begin)
    state = disable_irq()
    count += 1
    enable_irq(state)
    lab.mark(end)


def explore_conditional_disable_irq(begin, end):
    global count
    lab.mark(begin)
    state = disable_irq()
    count += 1 if flag else 2
    enable_irq(state)
    lab.mark(end)


def explore_plain_mutex(begin, end):
    global count, locked
    lab.mark(begin)
    locked = True
    count += 1
    locked = False
    lab.mark(end)


def explore_conditional_mutex(begin, end):
    global count, locked
    lab.mark(begin)
    locked = True
    count += 1 if flag else 2
    locked = False
    lab.mark(end)


def explore_step(begin, end):       # cures that are a function of their own
    lab.mark(begin)
    step(1)
    lab.mark(end)


EXPLORE_PLAIN = {
    "disable_irq": explore_plain_disable_irq,
    "mutex": explore_plain_mutex,
    "native": explore_step,
    "via_schedule": explore_step,
}
EXPLORE_CONDITIONAL = {
    "disable_irq": explore_conditional_disable_irq,
    "mutex": explore_conditional_mutex,
    "native": explore_step,
    "via_schedule": explore_step,
}

cure = lab.get("cure")
if lab.get("expression") == "plain":
    step = PLAIN[cure]
    execute = EXPLORE_PLAIN.get(cure, explore_plain)
else:
    step = CONDITIONAL[cure]
    execute = EXPLORE_CONDITIONAL.get(cure, explore_conditional)
timer = lab.timer(tick)
for i in range(4):                  # caches are warm afterwards
    execute(0, 0)
execute(1, 2)
main_adds += 5
for i in range(4):           # what waits in the queue runs here
    pass
lab.mark(16, main_adds)
lab.mark(17, isr_adds)
lab.mark(18, count + isr_count)
lab.mark(3)
timer.deinit()
