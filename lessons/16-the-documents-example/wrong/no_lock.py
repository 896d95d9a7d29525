import lab
import micropython
from array import array
from time import ticks_diff, ticks_us

micropython.alloc_emergency_exception_buf(256)
SIZE = 20
data = array("i", [0] * SIZE)
index = offered = taken = overflow = wrong = last = 0


def callback(t):
    global index, offered, overflow
    for i in range(5):
        offered += 1
        if index < SIZE:
            data[index] = offered
            index += 1
        else:                   # no room: that is a number to be counted, not an error
            overflow += 1


def show(number):               # slow, as output is; and numbers must come in order
    global taken, wrong, last
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 60:
        pass
    if number <= last:
        wrong += 1
    last = number
    taken += 1


def consume():
    global index
    count = index
    for i in range(count):
        show(data[i])
    index = 0


def publish():
    state = lab.lock()
    lab.value("offered", offered)
    lab.value("taken", taken)
    lab.value("overflow", overflow)
    lab.value("index", index)
    lab.value("wrong", wrong)
    lab.unlock(state)


publish()
timer = lab.timer(callback)
turns = 0
while lab.running():
    turns += 1
    consume()
    for i in range(60000 if turns % 20 == 0 else 3000):      # now and then main is slow
        pass
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
consume()
publish()
lab.done()
