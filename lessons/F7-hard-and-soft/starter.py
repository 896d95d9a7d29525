import lab
from machine import I2C, Pin

# At each edge the thermometer has to be read once, and the edge noted within half a millisecond.
bus = I2C(0, scl=Pin(3), sda=Pin(8), freq=400000)
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


def second(pin):                # another device, which must not wait: leave it
    pass


signal.irq(edge, Pin.IRQ_RISING, hard=False)
other.irq(second, Pin.IRQ_RISING, hard=True)
while lab.running():
    sum(table)                  # main's work: leave it
    lab.beat()
    lab.value("seen", seen)
    lab.value("taken", taken)

signal.irq(None)
other.irq(None)
lab.done()
