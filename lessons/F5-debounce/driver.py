# Main has a little work, and asks again and again how many presses there were.
from lab import beat, running, value
from machine import Pin

program = load("count")
while running():
    for i in range(100):
        pass
    beat()
    value("count", program["count"])
Pin(10).irq(None)
