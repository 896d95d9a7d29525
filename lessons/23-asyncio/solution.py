import asyncio
import micropython

micropython.alloc_emergency_exception_buf(256)
flag = asyncio.ThreadSafeFlag()
events = 0


def tick(t):
    global events
    events += 1
    flag.set()                  # says that there is something, not how much


async def consumer():
    handled = 0
    while True:
        await flag.wait()
        n = events - handled    # how much is in the counter
        if n:
            handled += n
            await work(n)
