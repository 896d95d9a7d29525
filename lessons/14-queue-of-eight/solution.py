import lab
import micropython
from micropython import schedule
from time import ticks_diff, ticks_us

micropython.alloc_emergency_exception_buf(256)
lab.number("burst", 12, 1, 12)
seen = handled = 0
pending = False


def tick(t):
    global seen, pending
    seen += 1
    if not pending:             # one call on its way accounts for any number of events
        pending = True
        try:
            schedule(work, 0)
        except RuntimeError:    # others have filled the queue: the next event asks again
            pending = False


def work(_):
    global handled, pending
    pending = False             # first this, so that a new event asks for a new call
    handled = seen


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
