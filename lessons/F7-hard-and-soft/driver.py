# Main has a long call, and then lets the program do its work. Another device, at pin 7, must not wait.
from lab import beat, counter, running
from machine import I2C, Pin

seen = counter("seen")
taken = counter("taken")
others = counter("others")
bus = I2C(0, scl=Pin(3), sda=Pin(8), freq=100000)
answer = bytearray(2)
table = bytes(5000)


def note():
    seen.add(1)


def read():
    bus.readfrom_mem_into(0x48, 0, answer)
    taken.add(1)


def second(pin):
    others.add(1)


space["note"] = note
space["read"] = read
other = Pin(7, Pin.IN)
program = load("work")
work = program["work"]
other.irq(second, Pin.IRQ_RISING, hard=True)
while running():
    sum(table)
    work()
    beat()
Pin(5).irq(None)
other.irq(None)
work()
