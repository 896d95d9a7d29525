import lab
import micropython
from array import array
from time import sleep_ms

# Document B's example for critical sections, on this board: the callback stores five numbers and
# raises where there is no room; main takes them with interrupts off, and prints them.
micropython.alloc_emergency_exception_buf(256)
SIZE = 20
lab.number("delay", 10, 10, 500)
lab.choice("printing", ("inside", "outside"), "inside")
data = array("i", [0] * SIZE)
copy = array("i", [0] * SIZE)
index = offered = taken = batches = 0
hard = None


class BoundsException(Exception):
    pass


def callback(t):
    global index, offered
    for i in range(5):
        offered += 1
        data[index] = offered
        index += 1
        if index >= SIZE:
            raise BoundsException("Array bounds exceeded")


def print_inside():
    global index, taken
    state = lab.lock()
    for i in range(index):
        print("item", i, "is", data[i])
    taken += index
    index = 0
    lab.unlock(state)


def print_outside():
    global index, taken
    state = lab.lock()
    count = index
    copy[:] = data
    taken += index
    index = 0
    lab.unlock(state)
    for i in range(count):
        print("item", i, "is", copy[i])


def publish():
    state = lab.lock()
    lab.value("offered", offered)
    lab.value("taken", taken)
    lab.value("index", index)
    lab.value("batches", batches)
    lab.unlock(state)


publish()
i = None    # no new name later: it could move the table of names
while lab.running():
    if lab.hard() != hard:
        hard = lab.hard()
        index = offered = taken = 0
        timer = lab.timer(callback)
    if index:
        if lab.get("printing") == "inside":
            print_inside()
        else:
            print_outside()
        batches += 1
    publish()
    lab.beat()
    sleep_ms(lab.get("delay"))

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
