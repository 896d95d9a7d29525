import lab
import micropython

# Repair the stopwatch: `look`, a scheduled function, must never be told a time that the watch did
# not have. It runs from 0.0 to 9.9 seconds and begins again. Nobody may be turned away.
micropython.alloc_emergency_exception_buf(256)
seconds = tenths = 0
looks = impossible = ticks = wrong = 0


def advance():                  # main's part: a tenth of a second on
    global seconds, tenths
    tenths += 1
    if tenths == 10:
        tenths = 0
        seconds += 1
        if seconds == 10:
            seconds = 0


def read():                     # seconds and tenths, as anybody may ask for them
    return seconds, tenths


def look(t):
    global looks, impossible
    looks += 1
    s, z = read()
    if s > 9 or z > 9 or (s * 10 + z - ticks) % 100 > 1:    # main may be one tick ahead of its count
        impossible += 1


def check():
    global wrong
    s, z = read()
    if s * 10 + z != ticks % 100:
        wrong += 1


def publish():
    state = lab.lock()
    lab.value("looks", looks)
    lab.value("impossible", impossible)
    lab.value("ticks", ticks)
    lab.value("wrong", wrong)
    lab.unlock(state)


publish()
timer = lab.timer(look)
while lab.running():
    for i in range(200):
        advance()
        ticks += 1
    check()
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
