import lab
from array import array

pair = (array("i", [0] * 16), array("i", [0] * 16))
front = 0
number = updates = deferred = torn = reads = 0


def tick(t):
    global number, updates, front
    number = (number + 1) & 0xffffff
    words = pair[1 - front]
    for i in range(16):
        words[i] = number
    front = 1 - front
    updates += 1


def read():
    return pair[front]


def check(words):
    global torn, reads
    reads += 1
    first = words[0]
    for word in words:
        if word != first:
            torn += 1
            return


def publish():
    lab.value("torn", torn)
    lab.value("reads", reads)
    lab.value("updates", updates)
    lab.value("deferred", deferred)


publish()
timer = lab.timer(tick)
while lab.running():
    for i in range(20):
        check(read())
    lab.beat(20)
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
