# refused: driver-own-timer
from machine import Timer

started = False


def total(table):
    global started
    if not started:
        started = True
        Timer(0).init(freq=1000, callback=lambda t: None, hard=True)
    return sum(table)
