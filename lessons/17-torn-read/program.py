import lab
from array import array
from machine import disable_irq, enable_irq

# The callback writes one number into all sixteen words of a buffer. Main reads the buffer and
# counts how often the words differ: a torn read, half old and half new.
WORDS = 16
CURES = ("none", "disable_irq", "snapshot", "double_buffer", "double_buffer_flag")
cure = lab.choice("cure", CURES, "none")
shared = array("i", [0] * WORDS)
pair = (array("i", [0] * WORDS), array("i", [0] * WORDS))
copy = array("i", [0] * WORDS)
source, target = memoryview(shared), memoryview(copy)
number = front = updates = deferred = torn = reads = 0
reading = False
double = False


def tick(t):
    global number, front, updates, deferred
    number = (number + 1) & 0xffffff
    if reading and cure == "double_buffer_flag":
        deferred += 1
        return
    words = pair[1 - front] if double else shared
    for i in range(WORDS):
        words[i] = number
    if double:
        front = 1 - front
    updates += 1


def compare(words, first):
    global torn
    for i in range(WORDS):
        if words[i] != first:
            torn += 1
            return


def none(n):
    for i in range(n):
        compare(shared, shared[0])


def in_disable_irq(n):
    for i in range(n):
        state = disable_irq()
        compare(shared, shared[0])
        enable_irq(state)


def snapshot(n):                    # the copy is one call
    for i in range(n):
        target[:] = source
        compare(copy, copy[0])


def double_buffer(n):               # the callback writes the other half, then turns round
    global reading
    for i in range(n):
        reading = True
        words = pair[front]
        compare(words, words[0])
        reading = False


READ = {
    "none": none,
    "disable_irq": in_disable_irq,
    "snapshot": snapshot,
    "double_buffer": double_buffer,
    "double_buffer_flag": double_buffer,
}


def publish():
    lab.value("torn", torn)
    lab.value("reads", reads)
    lab.value("updates", updates)
    lab.value("deferred", deferred)


publish()
i = None    # no new name later: it could move the table of names
timer = lab.timer(tick)
while lab.running():
    cure = lab.get("cure")
    double = cure == "double_buffer" or cure == "double_buffer_flag"
    READ[cure](20)
    reads += 20
    lab.beat(20)
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
