import lab
from array import array

shared = array("i", [0] * 16)
copy = array("i", [0] * 16)
source, target = memoryview(shared), memoryview(copy)
number = updates = deferred = torn = reads = 0


def tick(t):
    global number, updates
    number = (number + 1) & 0xffffff
    for i in range(16):
        shared[i] = number
    updates += 1


def read():
    target[:] = source
    return copy


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
