# Main makes long calls and looks once after each. Whatever is noted is compared with the pulse at the pin.
from lab import beat, counter, running
from machine import Pin

length = counter("length")
pulses = counter("pulses")
table = bytes(12000)


def note(us):
    length.set(us)
    pulses.add(1)


space["note"] = note
program = load("look")
look = program["look"]
while running():
    sum(table)
    look()
    beat()
Pin(5).irq(None)
