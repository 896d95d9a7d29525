import lab
from array import array

# Repair `tick`: it must do its filter, and the filter must stay exact, but the processor must
# not be overloaded at 1 kHz: no alarm may be lost, and main must keep a good part of its time.
window = array("i", [0] * 64)
seen = average = wrong = 0


def tick(t):                    # the average of the last 64 readings
    global seen, average
    window[seen & 63] = seen & 0xff
    seen += 1
    total = 0
    for i in range(64):
        for j in range(8):      # every reading is scaled
            total += window[i]
    average = total // 512


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
