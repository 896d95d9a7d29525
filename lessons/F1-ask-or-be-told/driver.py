# Lets main work for 60 ms and look once, again and again, and asks how many presses there were.
from lab import beat, counter, running, value
from time import sleep_ms

rounds = counter("rounds")
program = load("count", "look")
look = program["look"]
while running():
    sleep_ms(60)
    look()
    rounds.add(1)
    beat()
    value("count", program["count"])
