# What the race explorer runs after an exercise program, in the same globals: one addition by
# main, between two marks.

def execute(begin, end):
    lab.mark(begin)
    main_part(1)
    lab.mark(end)


timer = lab.timer(tick)
for i in range(4):                  # caches are warm afterwards
    execute(0, 0)
execute(1, 2)
main_adds += 5
for i in range(4):           # what waits in the queue runs here
    pass
lab.mark(16, main_adds)
lab.mark(17, isr_adds)
lab.mark(18, total())
lab.mark(3)
timer.deinit()
