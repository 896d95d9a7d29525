import lab
from array import array

window = array("i", [0] * 64)
total = seen = average = wrong = 0


def tick(t):                    # the average of the last 64 readings
    global seen, average, total
    new = seen & 0xff           # a running sum: one reading comes, one goes
    total += new - window[seen & 63]
    window[seen & 63] = new
    seen += 1
    average = total // 64


def check():                    # main's own sum, once in a while
    global wrong
    state = lab.lock()
    right = sum(window) // 64
    if right != average and seen:
        wrong += 1
    lab.unlock(state)


timer = lab.timer(tick)
while lab.running():
    for i in range(20):
        for j in range(50):
            pass
        lab.beat()
    check()
    lab.value("seen", seen)
    lab.value("wrong", wrong)

timer.deinit()
for i in range(20):
    pass
lab.value("seen", seen)
lab.done()
