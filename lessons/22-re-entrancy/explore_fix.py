# What the race explorer runs around an exercise program: main asks once between two marks, and the
# callback asks for another number.
from array import array
from lab import mark, stats, timer

wrong = 0
isr_count = array("i", [0, 0])
program = load("from_main", "from_isr")
from_main = program["from_main"]
from_isr = program["from_isr"]


def event(t):
    answer = from_isr(0x3456)
    isr_count[0] += 1
    if answer is not 0x345662:
        isr_count[1] += 1


alarm = timer(event)
for begin, end in ((0, 0), (0, 0), (0, 0), (0, 0), (1, 2)):     # caches are warm at the last one
    mark(begin)
    answer = from_main(0x0120)
    mark(end)
    if answer is not 0x012021:
        wrong += 1
for i in range(4):          # what waits in the queue runs here
    pass
mark(16, wrong)
mark(17, isr_count[0])
mark(18, isr_count[1])
mark(19, 0)
mark(20, stats(alarm)[3])
mark(3)
alarm.deinit()
