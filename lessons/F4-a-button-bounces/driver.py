# Asks again and again how many groups of edges there were, and how long the longest took.
from lab import beat, lock, running, unlock, value
from machine import Pin

program = load("groups", "worst")
while running():
    for i in range(100):
        pass
    beat()
    state = lock()
    value("groups", program["groups"])
    value("worst_us", program["worst"])
    unlock(state)
Pin(10).irq(None)
