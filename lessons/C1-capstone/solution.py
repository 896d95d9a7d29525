import asyncio
import lab
import micropython
from array import array
from machine import Pin
from time import ticks_add, ticks_diff, ticks_us

micropython.alloc_emergency_exception_buf(256)
SIZE = 256
QUIET_US = 20000
sensor = Pin(5, Pin.IN)
button = Pin(10, Pin.IN, Pin.PULL_UP)
times = array("i", [0] * SIZE)
rd = wr = 0                     # main writes only `rd`, the callback only `wr`
pulses = consumed = overflow = disorder = reports = delay_max = 0
presses = pressed_at = previous = 0
down = False
last_edge = ticks_add(ticks_us(), -QUIET_US - 1)
flag = asyncio.ThreadSafeFlag()


def pulse(pin):
    global pulses, wr, overflow
    next = (wr + 1) & (SIZE - 1)
    if next == rd:
        overflow += 1
    else:
        times[wr] = ticks_us()
        wr = next               # last: it is there before it is announced
    pulses += 1


def edge(pin):                  # both edges: each begins the quiet time again
    global presses, pressed_at, last_edge, down
    now = ticks_us()
    if ticks_diff(now, last_edge) > QUIET_US:
        down = not down         # the finger moved: down, up, down, up
        if down:
            presses += 1
            pressed_at = now
            flag.set()
    last_edge = now


async def report():
    global reports, delay_max
    while True:
        await flag.wait()
        while reports != presses:
            delay_max = max(delay_max, ticks_diff(ticks_us(), pressed_at))
            reports += 1
            print(consumed, "pulses")


def work():
    global rd, consumed, disorder, previous
    while rd != wr:
        time = times[rd]
        rd = (rd + 1) & (SIZE - 1)
        if consumed and ticks_diff(time, previous) < 0:
            disorder += 1
        previous = time
        consumed += 1


def publish():
    state = lab.lock()
    lab.value("pulses", pulses)
    lab.value("consumed", consumed)
    lab.value("waiting", (wr - rd) & (SIZE - 1))
    lab.value("overflow", overflow)
    lab.unlock(state)
    lab.value("disorder", disorder)
    lab.value("reports", reports)
    lab.value("delay_max", delay_max)


async def main():
    asyncio.create_task(report())
    await asyncio.sleep_ms(0)   # the task waits before the first press
    sensor.irq(pulse, Pin.IRQ_RISING, hard=lab.hard())
    button.irq(edge, Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=lab.hard())
    while lab.running():
        work()
        lab.beat()
        publish()
        await asyncio.sleep_ms(50)
    sensor.irq(None)
    button.irq(None)


asyncio.run(main())
work()
publish()
lab.done()
