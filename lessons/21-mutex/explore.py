# What the race explorer runs after program.py, in the same globals: one short critical section of
# main, in the chosen style, between two marks.

def execute(begin, end):
    lab.mark(begin)
    look(10)
    lab.mark(end)


style = lab.get("style")
timer = lab.timer(tick)
for i in range(4):          # caches are warm afterwards
    execute(0, 0)
execute(1, 2)
for i in range(4):          # what waits in the queue runs here
    pass
look(10)                    # takes over what came during the last one
lab.mark(16, torn)
lab.mark(17, a)
lab.mark(18, skipped)
lab.mark(19, lab.stats(timer)[3])
lab.mark(3)
timer.deinit()
