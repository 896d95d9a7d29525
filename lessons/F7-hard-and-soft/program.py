import lab
from machine import I2C, Pin
from time import ticks_diff, ticks_us

# One signal on two pins: the callback of pin 5 is hard, that of pin 7 is soft. The firmware
# measures how late each is. The thermometer is read into a buffer that exists.
lab.choice("work", ("loop", "c_call"), "loop")
lab.choice("bus", ("off", "read"), "off")
bus = I2C(0, scl=Pin(3), sda=Pin(8), freq=400000)
reading = bytearray(2)
table = bytes(20000)
edges = bus_us = 0
reads_hard = lab.hard() and lab.get("bus") == "read"
reads_soft = not lab.hard() and lab.get("bus") == "read"


def thermometer():
    global bus_us
    start = ticks_us()
    bus.readfrom_mem_into(0x48, 0, reading)
    took = ticks_diff(ticks_us(), start)
    if took > bus_us:
        bus_us = took


def at_once(pin):
    global edges
    edges += 1
    if reads_hard:
        thermometer()


def later(pin):
    if reads_soft:
        thermometer()


first = Pin(5, Pin.IN)
second = Pin(7, Pin.IN)
first.irq(at_once, Pin.IRQ_RISING, hard=True)
second.irq(later, Pin.IRQ_RISING, hard=False)
while lab.running():
    if lab.get("work") == "c_call":
        sum(table)
    else:
        for i in range(300):
            pass
    lab.beat()
    lab.value("bus_us", bus_us)

first.irq(None)
second.irq(None)
lab.done()
