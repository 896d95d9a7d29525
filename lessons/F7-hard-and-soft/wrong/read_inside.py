import lab
from machine import I2C, Pin

bus = I2C(0, scl=Pin(3), sda=Pin(8), freq=100000)
reading = bytearray(2)
table = bytes(5000)
seen = taken = 0
signal = Pin(5, Pin.IN)
other = Pin(7, Pin.IN)


def edge(pin):
    global seen, taken
    seen += 1
    bus.readfrom_mem_into(0x48, 0, reading)
    taken += 1


def second(pin):
    pass


signal.irq(edge, Pin.IRQ_RISING, hard=True)
other.irq(second, Pin.IRQ_RISING, hard=True)
while lab.running():
    sum(table)
    lab.beat()
    lab.value("seen", seen)
    lab.value("taken", taken)

signal.irq(None)
other.irq(None)
lab.done()
