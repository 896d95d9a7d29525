import lab
import micropython
from time import sleep_ms, ticks_diff, ticks_us

# Main does one piece of work after another, each of the chosen length. The firmware measures
# how late every callback begins.
WORK = ("branchy_loop", "c_call", "native_loop", "sleep")
lab.choice("workload", WORK, "branchy_loop")
lab.number("length", 20, 1, 100)
seen = 0


def tick(t):
    global seen
    seen += 1


def branchy_loop(us):               # a loop in bytecode
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


def c_call(us):                     # one call of a C function
    max(range(us * 1000 // ns_per_item))


@micropython.native
def native_loop(us):                # a loop in machine code
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


def sleep(us):                      # no work at all
    sleep_ms(us // 1000)


DO = {"branchy_loop": branchy_loop, "c_call": c_call, "native_loop": native_loop, "sleep": sleep}

# How long one item of the C call takes on this board.
start = ticks_us()
max(range(10000))
ns_per_item = ticks_diff(ticks_us(), start) // 10

do = us = i = None    # no new name later: it could move the table of names
timer = lab.timer(tick)
while lab.running():
    do = DO[lab.get("workload")]
    us = lab.get("length") * 1000
    lab.trace(0)
    do(us)
    lab.trace(1)
    for i in range(40):             # a moment for what is waiting
        pass
    lab.trigger("work")
    lab.beat()
    lab.value("seen", seen)

timer.deinit()
for i in range(20):
    pass
lab.value("seen", seen)
lab.done()
