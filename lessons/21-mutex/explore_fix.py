# What the race explorer runs around an exercise program: main looks at the pair once between two
# marks, and afterwards once more, which finds what came meanwhile.
from lab import mark, stats, timer

torn = seen = 0


def inspect(pair):
    nonlocal torn, seen
    equal = False
    if type(pair) is list or type(pair) is tuple:
        first = pair[0]
        for i in range(10):
            pass
        second = pair[1]
        equal = type(first) is int and type(second) is int and first == second
        seen = first
    if not equal:
        torn += 1


space["inspect"] = inspect
program = load("tick", "look")
look = program["look"]
alarm = timer(program["tick"])
for begin, end in ((0, 0), (0, 0), (0, 0), (0, 0), (1, 2)):     # caches are warm at the last one
    mark(begin)
    look()
    mark(end)
for i in range(4):          # what waits in the queue runs here
    pass
look()
look()                      # what the last look took over is seen now
mark(16, torn)
mark(17, seen)
mark(18, 0)
mark(19, stats(alarm)[3])
mark(3)
alarm.deinit()
