import lab
from machine import Pin
from time import sleep_ms

bell = Pin(10, Pin.IN, Pin.PULL_UP)
count = rounds = 0
before = 1


def look():
    global count, before
    now = bell.value()
    if now == 0 and before == 1:
        count += 1
    before = now


while lab.running():
    sleep_ms(50)
    look()
    sleep_ms(10)
    look()
    rounds += 1
    lab.beat()
    lab.value("count", count)
    lab.value("rounds", rounds)

lab.done()
