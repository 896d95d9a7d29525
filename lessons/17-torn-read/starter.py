import lab
from array import array

# Repair `tick` and `read`: main must never see words of two different updates, with soft and
# with hard interrupts. Updates may be deferred, if they are counted.
shared = array("i", [0] * 16)
number = updates = deferred = torn = reads = 0


def tick(t):
    global number, updates
    number = (number + 1) & 0xffffff
    for i in range(16):
        shared[i] = number
    updates += 1


def read():
    return shared


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
