import lab
from machine import Pin
from time import ticks_diff, ticks_us

# Every event needs `work` microseconds of work. Either the callback does it, or it only counts
# the event and main does it, a little at a time. `share` is what main has left for itself.
lab.number("work", 900, 0, 2000)
lab.choice("style", ("in_callback", "flag"), "in_callback")
lab.choice("talk", ("quiet", "print", "toggle", "wait"), "quiet")
UNIT_US = 50
SENTENCE = "is above the limit that was set for it before the run began; somebody should have a look at it soon"
work = 0
style = talk = None
seen = processed = turns = answers = reply = 0
PATIENCE_US = 20000
led = Pin(4, Pin.OUT)


def busy(us):
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < us:
        pass


def speak():
    global answers
    if talk == "print":
        print("reading", seen, SENTENCE)
    elif talk == "toggle":
        led.value(not led.value())
    elif talk == "wait":            # for main to answer, which it cannot do before this returns
        start = ticks_us()
        while reply != seen and ticks_diff(ticks_us(), start) < PATIENCE_US:
            pass
        if reply == seen:
            answers += 1


def all_of_it(t):
    global seen, processed
    seen += 1
    busy(work)
    speak()
    processed += 1


def note_it(t):
    global seen
    seen += 1
    speak()


def process():                  # main's work, with a heartbeat between its pieces
    global processed
    left = work
    while left > 0:
        busy(UNIT_US if left > UNIT_US else left)
        lab.beat()
        left -= UNIT_US
    processed += 1


def turn():                     # what main would rather do
    global turns, reply
    for i in range(20):
        pass
    turns += 1
    reply = seen
    lab.beat()


def publish():
    state = lab.lock()
    lab.value("seen", seen)
    lab.value("processed", processed)
    lab.value("answers", answers)
    lab.unlock(state)
    lab.beat()
    elapsed = ticks_diff(ticks_us(), since)
    lab.value("share", turns * turn_us * 100 // (elapsed + 1))
    lab.beat()


# How long one turn takes while nothing disturbs it, in microseconds.
since = ticks_us()
for i in range(500):
    turn()
turn_us = ticks_diff(ticks_us(), since) / 500
timer = None
while lab.running():
    if (lab.get("work"), lab.get("style"), lab.get("talk"), lab.hard()) != (work, style, talk, timer):
        work = lab.get("work")
        style = lab.get("style")
        talk = lab.get("talk")
        timer = lab.hard()
        seen = processed = turns = answers = 0
        source = lab.timer(all_of_it if style == "in_callback" else note_it)
        since = ticks_us()
        publish()
    for i in range(40):
        if style == "flag" and processed != seen:
            process()
        turn()
    publish()

source.deinit()
for i in range(20):
    pass
while style == "flag" and processed != seen:
    process()
publish()
lab.done()
