# Waking asyncio from a callback: create_task, Event, ThreadSafeFlag.
import asyncio, time, micropython
from machine import Timer

micropython.alloc_emergency_exception_buf(512)


def ms():
    return time.ticks_ms()


async def bar():
    print("  late_ms", time.ticks_diff(ms(), T0))


T0 = 0


async def scenario(kind, hard):
    global T0
    event = asyncio.Event()
    flag = asyncio.ThreadSafeFlag()

    def cb(t):
        global T0
        t.deinit()
        T0 = ms()
        if kind == "create_task":
            asyncio.create_task(bar())
        elif kind == "event":
            event.set()
        else:
            flag.set()

    async def waiter():
        await (event.wait() if kind == "event" else flag.wait())
        await bar()

    w = asyncio.create_task(waiter()) if kind != "create_task" else None
    await asyncio.sleep_ms(0)
    t = Timer(0, callback=cb, period=100, hard=hard)
    await asyncio.sleep_ms(600)
    if w:
        w.cancel()
    t.deinit()


for hard in (False, True):
    for k in ("create_task", "event", "flag"):
        print("hard" if hard else "soft", k)
        try:
            asyncio.run(scenario(k, hard))
        except Exception as e:
            print("exception", type(e), e)
        asyncio.new_event_loop()


async def coalesce():
    flag = asyncio.ThreadSafeFlag()
    counts = [0, 0]

    def cb(t):
        counts[0] += 1
        flag.set()

    async def w():
        while True:
            await flag.wait()
            counts[1] += 1
            await asyncio.sleep_ms(5)

    k = asyncio.create_task(w())
    t = Timer(0, callback=cb, period=1, hard=False)
    await asyncio.sleep_ms(500)
    t.deinit()
    print("coalesced sets", counts[0], "wakeups", counts[1])


asyncio.run(coalesce())
