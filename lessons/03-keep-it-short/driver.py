# Starts the timer, lets main call `turn`, and counts the steps. Now and then main is busy.
from lab import beat, counter, running, stats, timer, value
from time import ticks_diff, ticks_us

steps = counter("steps")


def step():
    start = ticks_us()
    while ticks_diff(ticks_us(), start) < 200:
        pass
    steps.add(1)


space["step"] = step
program = load("tick", "turn")
turn = program["turn"]
alarm = timer(program["tick"])
while running():
    for i in range(40):
        turn()
        beat()
        if chance(8) == 0:
            start = ticks_us()
            while ticks_diff(ticks_us(), start) < 400:
                pass
            beat()
    value("seen", stats(alarm)[3])
    value("processed", steps.value() // 15)
alarm.deinit()
for i in range(400):        # what is left to do
    turn()
value("seen", stats(alarm)[3])
value("processed", steps.value() // 15)
