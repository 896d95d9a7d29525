import asyncio
import lab
import micropython
from array import array
from machine import Pin
from time import ticks_us

micropython.alloc_emergency_exception_buf(256)
SIZE = 256
times = array("i", [0] * SIZE)
rd = wr = 0                     # main writes only `rd`, the callback only `wr`
overflow = presses = 0
flag = asyncio.ThreadSafeFlag()


def pulse(pin):
    global wr, overflow
    next = (wr + 1) & (SIZE - 1)
    if next == rd:
        overflow += 1
    else:
        times[wr] = ticks_us()
        wr = next               # last: it is there before it is announced


def edge(pin):
    global presses
    presses += 1
    flag.set()


async def reporter():
    done = 0
    while True:
        await flag.wait()
        while done != presses:
            done += 1
            report()


def work():
    global rd
    while rd != wr:
        consume(times[rd])
        rd = (rd + 1) & (SIZE - 1)


sensor = Pin(5, Pin.IN)
button = Pin(10, Pin.IN, Pin.PULL_UP)
sensor.irq(pulse, Pin.IRQ_RISING, hard=lab.hard())
button.irq(edge, Pin.IRQ_FALLING, hard=lab.hard())
