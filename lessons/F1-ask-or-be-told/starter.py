import lab
from machine import Pin
from time import sleep_ms

# Count all ten presses. Main has 60 ms of work in each round, and looks at the pin once.
bell = Pin(10, Pin.IN, Pin.PULL_UP)
count = rounds = 0
before = 1

while lab.running():
    sleep_ms(60)                # main's work: leave it
    now = bell.value()
    if now == 0 and before == 1:
        count += 1
    before = now
    rounds += 1
    lab.beat()
    lab.value("count", count)
    lab.value("rounds", rounds)

lab.done()
