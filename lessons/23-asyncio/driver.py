# Lets events come while the program's task waits for them, and looks when it begins its work and for how many of them.
from asyncio import create_task, run, sleep_ms
from lab import counter, running, timer, value
from time import ticks_diff, ticks_us

handled = counter("handled")
starts = counter("starts")
unknown = counter("unknown")
events = taken = delay_max = 0
since = None


async def work(n):
    nonlocal since, taken, delay_max
    [n]                         # not inside an interrupt: nothing can be created there
    if type(n) is not int or not 0 < n <= events - taken:
        unknown.add(1)
        return
    taken += n
    began = since
    since = None
    if began is not None:
        delay_max = max(delay_max, ticks_diff(ticks_us(), began))
    starts.add(1)
    handled.add(n)
    await sleep_ms(5)


space["work"] = work
program = load("tick", "consumer")
tick = program["tick"]


def event(t):
    nonlocal events, since
    events += 1
    if since is None:
        since = ticks_us()
    tick(t)


async def main():
    create_task(program["consumer"]())
    await sleep_ms(0)
    alarm = timer(event)
    while running():
        await sleep_ms(200)
    alarm.deinit()
    await sleep_ms(50)


run(main())
value("events", events)
value("delay_max", delay_max)
