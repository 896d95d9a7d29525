from machine import Pin
from time import ticks_diff, ticks_us

# Measure how long the pulses are, to half a millisecond: `note(us)` for each as soon as it is over.
# Main makes a long call, and then calls `look` once.
sensor = Pin(5, Pin.IN)
begin = 0


def rose(pin):
    global begin
    begin = ticks_us()


def look():
    global begin
    if begin and not sensor.value():
        note(ticks_diff(ticks_us(), begin))
        begin = 0


sensor.irq(rose, Pin.IRQ_RISING, hard=True)
