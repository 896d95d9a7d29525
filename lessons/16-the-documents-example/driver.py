# Starts the timer, offers numbers, and looks whether each is shown in its order or counted.
from array import array
from lab import beat, counter, running, timer, value
from time import ticks_diff, ticks_us

taken = counter("taken")
wrong = counter("wrong")
numbers = array("i", [0] * 256)
offered = shown = number = 0


def offer():
    nonlocal number, offered
    number += 1 + chance(100)
    numbers[offered & 255] = number
    offered += 1
    return number


def show(given):
    nonlocal shown
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 60:
        pass
    # What was skipped had no room.
    while shown < offered and numbers[shown & 255] != given:
        shown += 1
    if type(given) is not int or shown >= offered:
        wrong.add(1)
    else:
        shown += 1
    taken.add(1)


space["offer"] = offer
space["show"] = show
program = load("callback", "consume", "overflow")
consume = program["consume"]
alarm = timer(program["callback"])
turns = 0
while running():
    turns += 1
    consume()
    for i in range(60000 if turns % 20 == 0 else 3000):      # now and then main is slow
        pass
    beat()
    value("offered", offered)
    value("overflow", program["overflow"])
alarm.deinit()
for i in range(20):
    pass
consume()
value("offered", offered)
value("overflow", program["overflow"])
value("index", 0)
