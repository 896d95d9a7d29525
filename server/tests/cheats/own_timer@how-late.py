# refused: driver-own-timer
from machine import Timer

Timer(1).init(freq=1000, callback=lambda t: None, hard=True)


def total(table):
    return sum(table)
