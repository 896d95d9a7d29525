# Starts the timer, collects, fills what was freed, and looks at the two things.
from array import array
from lab import beat, counter, lock, running, timer, unlock, value
import gc

collections = counter("collections")
lost = counter("lost")
mistaken = counter("mistaken")
seen = array("i", [0])
rubbish = [None] * 400
nine = 9
A = 10 + chance(40)
B = A + 1 + chance(40)
space["A"] = A
space["B"] = B
program = load("tick", "front", "back", "renew")
tick = program["tick"]
front = program["front"]
back = program["back"]
renew = program["renew"]


def event(t):
    tick(t)
    seen[0] += 1


def number(thing):
    if type(thing) is not float:
        return 0
    return int(thing)


renew()
alarm = timer(event)
turned = 0                  # exchanges that the things in front have behind them when they are made
while running():
    gc.collect()
    collections.add(1)
    for i in range(400):
        rubbish[i] = nine + 0.5
    state = lock()
    f = front()
    b = back()
    exchanged = seen[0] - turned
    unlock(state)
    for i in range(400):
        rubbish[i] = None
    f = number(f)
    b = number(b)
    wanted = A if exchanged & 1 is 0 else B
    if f + b is not A + B or f is b:
        lost.add(1)
        gc.collect()
        state = lock()
        renew()
        turned = seen[0]
        unlock(state)
    elif f is not wanted:
        mistaken.add(1)
    beat()
alarm.deinit()
