import lab
from array import array
from time import ticks_diff, ticks_us

data = array("i", [0] * 16)
copy = array("i", [0] * 16)
seen = looks = torn = 0


def tick(t):                    # writes one number into all words
    global seen
    seen += 1
    for i in range(16):
        data[i] = seen


def inspect(words):             # slow: 100 us for each word
    global looks, torn
    first = words[0]
    equal = True
    for word in words:
        start = ticks_us()
        while ticks_diff(ticks_us(), start) < 100:
            pass
        if word != first:
            equal = False
    looks += 1
    if not equal:
        torn += 1


def look():
    for i in range(16):
        state = lab.lock()
        copy[i] = data[i]
        lab.unlock(state)
    inspect(copy)


def publish():
    state = lab.lock()
    lab.value("seen", seen)
    lab.value("looks", looks)
    lab.value("torn", torn)
    lab.unlock(state)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(10):
        look()
        for j in range(30):
            pass
        lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
