import lab
from time import ticks_diff, ticks_us

# The callback works for a given part of its own period: 100 % is all the time there is.
lab.number("load", 60, 10, 300)
share = us = hard = rate = None
seen = 0


def tick(t):
    global seen
    seen += 1
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


i = None    # no new name later: it could move the table of names
while lab.running():
    if (lab.get("load"), lab.hard(), lab.rate()) != (share, hard, rate):
        share = lab.get("load")
        hard = lab.hard()
        rate = lab.rate()
        us = share * 10000 // rate
        seen = 0
        timer = lab.timer(tick)
    for i in range(50):
        pass
    lab.beat()
    lab.value("seen", seen)
    lab.value("us", us)

timer.deinit()
for i in range(20):
    pass
lab.value("seen", seen)
lab.done()
