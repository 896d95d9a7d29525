import asyncio
import micropython

# Repair `tick` and `consumer`: the task has to start within 20 ms of each event, and every event
# has to be handled. The driver gives `work(n)`: the work for n events, which takes 5 ms each time,
# and events come faster.
micropython.alloc_emergency_exception_buf(256)
event = asyncio.Event()


def tick(t):
    event.set()


async def consumer():
    while True:
        await event.wait()
        event.clear()
        await work(1)
