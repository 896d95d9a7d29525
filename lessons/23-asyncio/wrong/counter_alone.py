import asyncio
import micropython

micropython.alloc_emergency_exception_buf(256)
event = asyncio.Event()
events = 0


def tick(t):
    global events
    events += 1
    event.set()


async def consumer():
    handled = 0
    while True:
        await event.wait()
        event.clear()
        n = events - handled
        if n:
            handled += n
            await work(n)
