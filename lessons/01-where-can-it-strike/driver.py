# Lets main walk, and notes where its callbacks find it. A second timer, hard in every run, sees where main really goes.
from array import array
from lab import array as publish, beat, rate, running, timer, value
from machine import Timer

strikes = array("i", [0] * 10)
walked = array("i", [0] * 10)
publish("strikes", strikes)
program = load("pos", "walk")
walk = program["walk"]


def tick(t):
    at = space["pos"]
    if type(at) is int and 0 <= at < 10:
        strikes[at] += 1


def look(t):
    at = space["pos"]
    if type(at) is int and 0 <= at < 10:
        walked[at] += 1


alarm = timer(tick)
i = None    # no new name later: it could move the table of names
watch = Timer(1)
watch.init(freq=1370, callback=look, hard=True)
while running():
    walk(200)
    beat(200)
watch.deinit()
alarm.deinit()
for i in range(20):         # what is queued still runs
    pass
value("at_4", strikes[4])
value("at_9", strikes[9])
value("through_5", walked[5])
value("through_6", walked[6])
value("skipped", sum([not walked[i] for i in range(10)]))
