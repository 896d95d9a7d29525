import asyncio
import micropython

micropython.alloc_emergency_exception_buf(256)
events = 0


def tick(t):
    global events
    events += 1


async def consumer():
    handled = 0
    while True:
        await asyncio.sleep_ms(50)
        n = events - handled
        if n:
            handled += n
            await work(n)
