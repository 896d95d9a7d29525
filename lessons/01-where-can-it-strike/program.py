import lab
from array import array

# Main walks through ten places, over and over, and says in `pos` where it is. The callback
# only makes a note of the place. Array and names exist before the first interrupt.
strikes = array("i", [0] * 10)
lab.array("strikes", strikes)
lab.choice("body", ("straight", "with_if"), "straight")
pos = 9


def tick(t):
    strikes[pos] += 1


def straight(n):
    global pos
    for i in range(n):
        pos = 0
        pos = 1
        pos = 2
        pos = 3
        pos = 4
        pos = 5
        pos = 6
        pos = 7
        pos = 8
        pos = 9


def with_if(n):
    global pos
    for i in range(n):
        pos = 0
        pos = 1
        pos = 2
        pos = 3
        pos = 4
        if i & 1:
            pos = 5
        pos = 6
        pos = 7
        pos = 8
        pos = 9


tried = None
while lab.running():
    body = lab.get("body")
    if (body, lab.hard()) != tried:     # another setting: an empty histogram
        tried = (body, lab.hard())
        for i in range(10):
            strikes[i] = 0
        timer = lab.timer(tick)
    if body == "straight":
        straight(200)
    else:
        with_if(200)
    lab.beat(200)

timer.deinit()
for i in range(20):                     # what still waits in the queue runs here
    pass
lab.done()
