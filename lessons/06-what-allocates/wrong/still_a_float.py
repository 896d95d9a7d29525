import lab
import micropython
from array import array

micropython.alloc_emergency_exception_buf(256)
readings = array("i", [0] * 8)
mean = top = above = seen = checks = wrong = 0


def tick(t):
    global mean, top, above, seen
    seen += 1
    readings[seen & 7] = seen * 37 & 255
    total = largest = 0
    for i in range(8):
        total += readings[i]
        if readings[i] > largest:
            largest = readings[i]
    count = 0
    for i in range(8):
        if readings[i] * 8 > total:     # above the mean, without dividing
            count += 1
    mean = total / 8
    top = largest
    above = count


def check():                    # main may create what it likes
    global checks, wrong
    state = lab.lock()
    at = seen
    said = (mean, top, above)
    lab.unlock(state)
    if at >= 8:
        right = [(at - i) * 37 & 255 for i in range(8)]
        average = sum(right) / 8
        checks += 1
        if abs(said[0] - average) >= 1 or said[1] != max(right) or said[2] != len([r for r in right if r > average]):
            wrong += 1


def publish():
    lab.value("seen", seen)
    lab.value("checks", checks)
    lab.value("wrong", wrong)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(100):
        pass
    check()
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
