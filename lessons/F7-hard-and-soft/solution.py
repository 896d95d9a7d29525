import lab
from machine import I2C, Pin

bus = I2C(0, scl=Pin(3), sda=Pin(8), freq=400000)
reading = bytearray(2)
table = bytes(5000)
seen = taken = 0
signal = Pin(5, Pin.IN)
other = Pin(7, Pin.IN)


def edge(pin):                  # hard: only notes that there was one
    global seen
    seen += 1


def work():
    global taken
    while taken != seen:
        bus.readfrom_mem_into(0x48, 0, reading)
        taken += 1


def second(pin):
    pass


signal.irq(edge, Pin.IRQ_RISING, hard=True)
other.irq(second, Pin.IRQ_RISING, hard=True)
while lab.running():
    sum(table)                  # main's work
    work()
    lab.beat()
    lab.value("seen", seen)
    lab.value("taken", taken)

signal.irq(None)
other.irq(None)
work()
lab.value("seen", seen)
lab.value("taken", taken)
lab.done()
