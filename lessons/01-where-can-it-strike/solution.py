import lab
from array import array

strikes = array("i", [0] * 10)
lab.array("strikes", strikes)
pos = 9


def tick(t):
    strikes[pos] += 1


def walk(n):
    global pos
    for i in range(n):
        pos = 0
        pos = 1
        pos = 2
        pos = 3
        pos = 4
        pos = 4 + (i & 1)       # arithmetic has no jump
        pos = 6
        pos = 7
        pos = 8
        pos = 9


timer = lab.timer(tick)
while lab.running():
    walk(200)
    lab.beat(200)

timer.deinit()
for i in range(20):
    pass
lab.done()
