# What the race explorer runs after program.py, in the same globals: main reads the sixteen words once,
# with the chosen cure, between two marks.

def execute(begin, end):
    lab.mark(begin)
    step(1)
    lab.mark(end)


cure = lab.get("cure")
double = cure == "double_buffer" or cure == "double_buffer_flag"
step = READ[cure]
timer = lab.timer(tick)
for i in range(4):          # caches are warm afterwards
    execute(0, 0)
execute(1, 2)
for i in range(4):          # what waits in the queue runs here
    pass
lab.mark(16, torn)
lab.mark(17, updates)
lab.mark(18, deferred)
lab.mark(3)
timer.deinit()
