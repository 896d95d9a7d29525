import asyncio
import lab
import micropython
from time import ticks_diff, ticks_us

micropython.alloc_emergency_exception_buf(256)
event = asyncio.Event()
events = handled = starts = delay_max = 0
since = -1


def note():                     # what is measured; leave it as it is
    global since
    if since < 0:
        since = ticks_us()


def started():
    global starts, since, delay_max
    starts += 1
    began = since
    since = -1
    if began >= 0 and ticks_diff(ticks_us(), began) > delay_max:
        delay_max = ticks_diff(ticks_us(), began)


def tick(t):
    global events
    events += 1
    note()
    asyncio.create_task(one())


async def one():
    global handled
    started()
    handled += 1
    await asyncio.sleep_ms(5)


async def consumer():
    pass


def publish():
    state = lab.lock()
    lab.value("events", events)
    lab.value("handled", handled)
    lab.value("starts", starts)
    lab.value("delay_max", delay_max)
    lab.unlock(state)


async def main():
    asyncio.create_task(consumer())
    timer = lab.timer(tick)
    while lab.running():
        await asyncio.sleep_ms(200)
        lab.beat()
        publish()
    timer.deinit()
    await asyncio.sleep_ms(50)


asyncio.run(main())
publish()
lab.done()
