# What the race explorer runs around an exercise program: main reads once between two marks, and
# compares the words.
from lab import mark, timer

issued = torn = 0


def fresh():
    nonlocal issued
    issued += 1
    return issued


space["fresh"] = fresh
program = load("tick", "read", "deferred")
tick = program["tick"]
read = program["read"]
tick(None)
alarm = timer(tick)
for begin, end in ((0, 0), (0, 0), (0, 0), (0, 0), (1, 2)):     # caches are warm at the last one
    mark(begin)
    words = read()
    first = words[0]
    for word in words:
        if word is not first and word != first:
            torn += 1
            break
    mark(end)
for i in range(4):          # what waits in the queue runs here
    pass
mark(16, torn)
mark(17, issued)
mark(18, program["deferred"])
mark(3)
alarm.deinit()
