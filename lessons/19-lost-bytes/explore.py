# What the race explorer runs after program.py, in the same globals: main consumes one byte with
# the chosen design, between two marks. The byte has arrived before.

def execute(begin, end):
    tick(None)
    lab.mark(begin)
    consume()
    lab.mark(end)


start(lab.get("design"))
consume = CONSUME[design]
timer = lab.timer(tick)
for i in range(4):          # caches are warm afterwards
    execute(0, 0)
execute(1, 2)
for i in range(4):           # what waits in the queue runs here
    pass
consume()                   # a byte that came meanwhile must be found now
lab.mark(16, produced)
lab.mark(17, consumed)
lab.mark(18, navail + ((wr - rd) & 255 if design == "ring_buffer" else 0))
lab.mark(19, gaps)
lab.mark(3)
timer.deinit()
