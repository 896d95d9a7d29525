import asyncio
import lab
import micropython
from machine import Pin
from time import ticks_us

# A sensor gives pulses, main works through their times, and a button asks for a report. The driver
# gives `consume(time)`, to be called for each pulse in order, and `report()`; it runs `reporter` as a
# task and calls `work` every 50 ms.
micropython.alloc_emergency_exception_buf(256)
times = []
ready = overflow = 0


def pulse(pin):
    global ready
    times.append(ticks_us())
    ready += 1


def pressed(pin):
    asyncio.create_task(answer())


async def answer():
    report()


async def reporter():
    pass


def work():
    global ready
    for i in range(ready):
        consume(times.pop(0))
    ready = 0


sensor = Pin(5, Pin.IN)
button = Pin(10, Pin.IN, Pin.PULL_UP)
sensor.irq(pulse, Pin.IRQ_RISING, hard=lab.hard())
button.irq(pressed, Pin.IRQ_FALLING, hard=lab.hard())
