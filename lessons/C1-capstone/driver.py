# Has the program's task wait for presses and its `work` called every 50 ms. What is consumed and reported is counted.
from asyncio import create_task, run, sleep_ms
from lab import beat, counter, running, value
from machine import Pin
from time import ticks_diff, ticks_us

consumed = counter("consumed")
disorder = counter("disorder")
reports = counter("reports")
previous = None


def consume(time):
    nonlocal previous
    [time]                      # not inside an interrupt: nothing can be created there
    if type(time) is not int or not 0 <= ticks_diff(ticks_us(), time) < 300000:
        disorder.add(1)
    elif previous is not None and ticks_diff(time, previous) < 0:
        disorder.add(1)
    previous = time
    consumed.add(1)


def report():
    print(consumed.value(), "pulses")
    reports.add(1)


space["consume"] = consume
space["report"] = report
program = load("work", "overflow", "reporter")
work = program["work"]


async def main():
    create_task(program["reporter"]())
    while running():
        work()
        beat()
        await sleep_ms(50)
    Pin(5).irq(None)
    Pin(10).irq(None)
    await sleep_ms(10)


consumed.set(0)
reports.set(0)
run(main())
work()
value("overflow", program["overflow"])
