import lab

count = 0
main_adds = isr_adds = 0
flag = True
busy = False
pending = 0


def tick(t):
    global count, isr_adds, pending
    if busy:                        # main adds it later
        pending += 1
    else:
        count += 1
    isr_adds += 1


def main_part(n):
    global count, busy, pending
    for i in range(n):
        busy = True
        count += 1 if flag else 2
        count += pending
        pending = 0
        busy = False


def total():
    return count


def publish():
    state = lab.lock()
    lab.value("main_adds", main_adds)
    lab.value("isr_adds", isr_adds)
    lab.value("count", total())
    lab.value("lost", main_adds + isr_adds - total())
    lab.unlock(state)


publish()
timer = lab.timer(tick)
while lab.running():
    main_part(400)
    main_adds += 400
    lab.beat(400)
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
