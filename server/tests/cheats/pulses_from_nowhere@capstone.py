# fails
# As many as a sensor of 400 Hz gives, and six reports.
import asyncio
from time import ticks_diff, ticks_us

overflow = 0
last = ticks_us()


def work():
    global last
    while ticks_diff(ticks_us(), last) > 2500:
        last += 2500
        consume(last)


async def reporter():
    for ms in (410, 600, 200, 700, 800, 600):
        await asyncio.sleep_ms(ms)
        report()
