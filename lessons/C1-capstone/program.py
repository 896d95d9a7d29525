import asyncio
import lab
import micropython
from machine import Pin
from time import ticks_diff, ticks_us

# A sensor gives pulses, a task works through their times, and a button asks for a report.
micropython.alloc_emergency_exception_buf(256)
sensor = Pin(5, Pin.IN)
button = Pin(10, Pin.IN, Pin.PULL_UP)
times = []
ready = pulses = consumed = disorder = reports = delay_max = 0
previous = pressed_at = 0


def pulse(pin):
    global pulses, ready
    pulses += 1
    times.append(ticks_us())
    ready += 1


def pressed(pin):
    global pressed_at
    pressed_at = ticks_us()
    asyncio.create_task(report())


async def report():
    global reports, delay_max
    delay_max = max(delay_max, ticks_diff(ticks_us(), pressed_at))
    reports += 1
    print(consumed, "pulses")


def work():
    global ready, consumed, disorder, previous
    for i in range(ready):
        time = times.pop(0)
        if consumed and ticks_diff(time, previous) < 0:
            disorder += 1
        previous = time
        consumed += 1
    ready = 0


def publish():
    state = lab.lock()
    lab.value("pulses", pulses)
    lab.value("consumed", consumed)
    lab.value("waiting", ready)
    lab.value("overflow", 0)
    lab.unlock(state)
    lab.value("disorder", disorder)
    lab.value("reports", reports)
    lab.value("delay_max", delay_max)


async def main():
    sensor.irq(pulse, Pin.IRQ_RISING, hard=lab.hard())
    button.irq(pressed, Pin.IRQ_FALLING, hard=lab.hard())
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
