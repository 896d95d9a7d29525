import lab
import micropython
from micropython import schedule
from time import ticks_diff, ticks_us

# Main waits for an alarm, then lets `burst` more of them arrive while it passes no safe point,
# and then gives the queue time to run empty. `handled` counts the events that were accounted for.
micropython.alloc_emergency_exception_buf(256)
STYLES = ("direct", "unguarded", "guarded", "pending")
style = lab.choice("style", STYLES, "direct")
lab.number("burst", 8, 1, 12)
seen = handled = calls = overflow = bursts = 0
pending = False


def tick(t):
    global seen, handled, overflow, pending
    seen += 1
    if style == "direct":           # the callback does the work itself
        handled += 1
    elif style == "unguarded":      # it hands the work on, and hopes
        schedule(work, 0)
    elif style == "guarded":        # it counts what did not fit
        try:
            schedule(work, 0)
        except RuntimeError:
            overflow += 1
    elif not pending:               # one call on its way is enough for any number of events
        pending = True
        schedule(work_all, 0)


def work(_):
    global handled, calls
    handled += 1
    calls += 1


def work_all(_):
    global handled, calls, pending
    pending = False                 # first this: a new event asks for a new call
    handled = seen
    calls += 1


@micropython.native
def hold(us):                       # no safe points in here
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


def publish():
    lab.value("seen", seen)
    lab.value("handled", handled)
    lab.value("calls", calls)
    lab.value("overflow", overflow)
    lab.value("bursts", bursts)


publish()
period = length = before = waited = i = None    # no new name later: it could move the table of names
timer = lab.timer(tick)
while lab.running():
    if lab.get("style") != style:
        style = lab.get("style")
        pending = False
        timer = lab.timer(tick)     # a disabled callback starts again
    period = 1000000 // lab.rate()
    length = lab.get("burst") * period + period // 8
    before = seen
    waited = ticks_us()
    while seen == before and ticks_diff(ticks_us(), waited) < 2 * period:
        pass
    if seen != before:
        hold(length)
        lab.trigger("burst")
        bursts += 1
    for i in range(60):             # safe points: the queue runs empty
        pass
    lab.beat()
    publish()

timer.deinit()
for i in range(20):
    pass
publish()
lab.done()
