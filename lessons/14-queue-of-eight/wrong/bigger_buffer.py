import lab
import micropython
from micropython import schedule
from time import ticks_diff, ticks_us

micropython.alloc_emergency_exception_buf(4096)
lab.number("burst", 12, 1, 12)
handled = 0


def tick(t):
    schedule(work, 0)


def work(_):
    global handled
    handled += 1


@micropython.native
def hold(us):
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


timer = lab.timer(tick)
while lab.running():
    hold(lab.get("burst") * 1000000 // lab.rate())
    for i in range(60):
        pass
    lab.beat()
    lab.value("handled", handled)

timer.deinit()
for i in range(20):
    pass
lab.value("handled", handled)
lab.done()
