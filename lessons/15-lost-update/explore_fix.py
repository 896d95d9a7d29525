# What the race explorer runs around an exercise program: one addition by main, between two marks.
from lab import mark, stats, timer

program = load("tick", "main_part", "total")
main_part = program["main_part"]
total = program["total"]
alarm = timer(program["tick"])
for begin, end in ((0, 0), (0, 0), (0, 0), (0, 0), (1, 2)):     # caches are warm at the last one
    mark(begin)
    main_part(1)
    mark(end)
for i in range(4):          # what waits in the queue runs here
    pass
mark(16, 5)
mark(17, stats(alarm)[3])
mark(18, total())
mark(3)
alarm.deinit()
