# Has a table added up, again and again, while the timer runs. Before each call some of it changes.
from lab import beat, counter, running, timer

sums = counter("sums")
wrong = counter("wrong")
program = load("total")
total = program["total"]
table = bytearray(25600)        # one piece: older releases have little more room
for i in range(len(table)):
    table[i] = i & 255
right = sum(table)


def tick(t):
    pass


alarm = timer(tick)
while running():
    for i in range(8):
        at = chance(len(table))
        new = chance(256)
        right += new - table[at]
        table[at] = new
    answer = total(table)
    if type(answer) is not int or answer != right:
        wrong.add(1)
    sums.add(1)
    for i in range(40):
        pass
    beat()
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
