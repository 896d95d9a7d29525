import lab
from machine import Pin
from time import ticks_diff, ticks_us

# Measure how long the pulses are: each must come out as 5 ms, to half a millisecond.
sensor = Pin(5, Pin.IN)
table = bytes(12000)
begin = width = pulses = 0
narrow = 1000000


def rose(pin):
    global begin
    begin = ticks_us()


def look():
    global width, narrow, pulses, begin
    if begin and not sensor.value():
        length = ticks_diff(ticks_us(), begin)
        begin = 0
        width = max(width, length)
        narrow = min(narrow, length)
        pulses += 1


sensor.irq(rose, Pin.IRQ_RISING, hard=lab.hard())
while lab.running():
    sum(table)                  # main's work: leave it
    look()
    lab.beat()
    lab.value("width", width)
    lab.value("narrow", narrow)
    lab.value("pulses", pulses)

sensor.irq(None)
lab.done()
